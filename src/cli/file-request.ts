import { dirname } from 'node:path';
import type { RecordQuestion } from '../asking/record-hash.ts';
import { PixtralError, reasonOf } from '../base/errors.ts';
import { parseExactJson } from '../base/exact-json.ts';
import { parseShallow } from '../base/nesting.ts';
import type { PromptOptions } from '../engine/answers/answer-plan.ts';
import { listedSources } from '../image/sources/expand.ts';
import { chatRequest } from '../wires/chat-request.ts';
import { asRecord } from '../wires/fields.ts';
import { formatMemo } from '../wires/format-memo.ts';
import { readFormatFile } from './format-options.ts';
import { defaults } from './options.ts';

/**
 * The body of a chat completion in a file, as a server would get it; paths in it begin at its folder.
 * @param words pictures and texts that the command line names beside it
 * @throws PixtralError `usage` where there are any, `input` for a body that is wrong
 */
export async function fileRequest(
  path: string,
  { words, options, detail }: { words: number; options: PromptOptions; detail: RecordQuestion['detail'] },
): Promise<RecordQuestion> {
  if (words > 0) {
    throw new PixtralError(
      'usage',
      '--request: holds the whole prompt, expected neither pictures nor a prompt beside it',
    );
  }
  const text = await readFormatFile(path, { what: 'a chat completion', pipes: true });
  const body = { where: path, record: asRecord(parsed(text, path), path), exact: () => parseExactJson(text) };
  const { temperature, topP, topK, minP, repeatPenalty, maxTokens } = defaults;
  const sampling = { temperature, topP, topK, minP, repeatPenalty, maxTokens, seed: undefined, stop: [] };
  return chatRequest(body, {
    defaults: { options: { ...sampling, ...options }, detail, formats: formatMemo() },
    template: undefined,
    sources: (url, where) => listedSources(url, { folder: dirname(path), where }),
    strict: true,
  });
}

function parsed(text: string, path: string): unknown {
  try {
    return parseShallow(text);
  } catch (cause) {
    throw new PixtralError('input', `${path}: is no JSON: ${reasonOf(cause)}`, { cause });
  }
}
