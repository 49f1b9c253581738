import { type JsonObject, type Range, isRecord, readJson } from './json.ts';

export interface ImageTokenIds {
  imageTokenId: number;
  imageBreakTokenId: number;
  imageEndTokenId: number;
}

/** Undefined where a config does not say, or says -1 ("ask the tokenizer"). */
export type GivenImageTokenIds = { [K in keyof ImageTokenIds]: number | undefined };

export const imageTokenIdRange: Range = { min: -1, max: 1_048_576 };

const tokenTexts: Record<keyof ImageTokenIds, string> = {
  imageTokenId: '[IMG]',
  imageBreakTokenId: '[IMG_BREAK]',
  imageEndTokenId: '[IMG_END]',
};

/** Tekken's own ids, unchanged since v3 (mistral-common, tokens/tokenizers/tekken.py). */
const frozen: ImageTokenIds = { imageTokenId: 10, imageBreakTokenId: 12, imageEndTokenId: 13 };

/** Mistral's tokenizer files have 15 to 20 MB. */
export const maxTokenizerBytes = 256 * 1024 * 1024;

/**
 * The ids of `[IMG]`, `[IMG_BREAK]` and `[IMG_END]`: as the config gives them, else as the first tokenizer file that
 * names them does, else Tekken's own. No tokenizer file is read when the config gives all three.
 */
export async function imageTokenIds(
  given: GivenImageTokenIds,
  tokenizerPaths: readonly string[],
): Promise<ImageTokenIds> {
  let known = given;
  for (const path of tokenizerPaths) {
    if (Object.values(known).every((id) => id !== undefined)) break;
    known = fill(known, namedTokens(await readJson(path, maxTokenizerBytes)));
  }
  return {
    imageTokenId: known.imageTokenId ?? frozen.imageTokenId,
    imageBreakTokenId: known.imageBreakTokenId ?? frozen.imageBreakTokenId,
    imageEndTokenId: known.imageEndTokenId ?? frozen.imageEndTokenId,
  };
}

function fill(known: GivenImageTokenIds, named: ReadonlyMap<string, number>): GivenImageTokenIds {
  return {
    imageTokenId: known.imageTokenId ?? named.get(tokenTexts.imageTokenId),
    imageBreakTokenId: known.imageBreakTokenId ?? named.get(tokenTexts.imageBreakTokenId),
    imageEndTokenId: known.imageEndTokenId ?? named.get(tokenTexts.imageEndTokenId),
  };
}

/** Special tokens of tekken.json (`special_tokens`) or tokenizer.json (`added_tokens`), by text. */
function namedTokens({ fields }: JsonObject): Map<string, number> {
  const { special_tokens: tekken, added_tokens: huggingFace } = fields;
  const entries: unknown[] = [tekken, huggingFace].flatMap((list): unknown[] => (Array.isArray(list) ? list : []));
  const named = new Map<string, number>();
  for (const entry of entries) {
    if (!isRecord(entry)) continue;
    const token = entry['token_str'] ?? entry['content'];
    const id = entry['rank'] ?? entry['id'];
    if (typeof token === 'string' && typeof id === 'number' && Number.isInteger(id) && id >= 0) named.set(token, id);
  }
  return named;
}
