import { byteAlphabet } from './alphabet.ts';
import { type ImageConfig, type Tekken, type TokenizerVersion, createTekken, tokenizerVersions } from './tekken.ts';
import { type ToldVersion, tellVersion } from './version.ts';
import { tokenTypes } from './gguf-keys.ts';
import { parseObject } from './json.ts';
import { readModelSettings } from './model-settings.ts';
import {
  type ExtraToken,
  type Vocabulary,
  buildVocabulary,
  maxTokens,
  notTekken,
  sentencePiece,
} from './vocabulary.ts';

/** Values of a GGUF's `tokenizer.*` keys, as they stand in the file. */
export interface GgufTokenizerKeys {
  /** `tokenizer.ggml.model` */
  model: string | undefined;
  /** `tokenizer.ggml.pre` */
  pre: string | undefined;
  /** `tokenizer.ggml.tokens`: body of the string array, count times a u64 length and its bytes. */
  tokens: { count: number; bytes: Uint8Array };
  /** `tokenizer.ggml.token_type`; 1 is an ordinary token. */
  types: Int32Array | undefined;
  /** `pixtral.tokenizer.version`, which other converters do not write. */
  version: string | undefined;
  /** `pixtral.tokenizer.model_settings`: JSON, with v15 alone. */
  settings: string | undefined;
  /** `tokenizer.chat_template`, by which the version is told when its key is absent. */
  chatTemplate: string | undefined;
  /** From the projector's file. */
  image: ImageConfig | undefined;
}

/**
 * Reads a Tekken vocabulary from a GGUF's own keys.
 * @param where names the file in errors
 * @throws PixtralError('model') when they do not hold one
 */
export function tekkenFromGguf(keys: GgufTokenizerKeys, where: string): Tekken {
  if (keys.model === 'llama') throw sentencePiece(where, 'tokenizer.ggml.model is "llama", expected "gpt2"');
  if (keys.model !== 'gpt2') {
    throw notTekken(where, `tokenizer.ggml.model is ${JSON.stringify(keys.model)}, expected "gpt2"`);
  }
  if (keys.pre !== undefined && !tekkenPre.has(keys.pre)) {
    throw notTekken(where, `tokenizer.ggml.pre is ${JSON.stringify(keys.pre)}, expected "tekken"`);
  }
  const vocabulary = readVocabulary(keys, where);
  return createTekken({ ...readVersion(keys, vocabulary), image: keys.image, vocabulary });
}

/** llama.cpp's converter writes `pixtral` for Hugging Face copies of the same vocabulary. */
const tekkenPre: ReadonlySet<string> = new Set(['tekken', 'pixtral']);

function readVersion(keys: GgufTokenizerKeys, { where, controls }: Vocabulary): ToldVersion {
  if (keys.version === undefined) return tellVersion(keys, { controls, where });
  const versions: readonly TokenizerVersion[] = [...tokenizerVersions, 'v7-v13'];
  const version = versions.find((known) => known === keys.version);
  if (version === undefined) {
    const found = JSON.stringify(keys.version);
    throw notTekken(where, `pixtral.tokenizer.version is ${found}, expected ${versions.join(', ')}`);
  }
  if (version !== 'v15') return { version, settings: undefined };
  const name = 'pixtral.tokenizer.model_settings';
  if (keys.settings === undefined) throw notTekken(where, `${name} is missing, v15 must have it`);
  return { version, settings: readModelSettings(parseObject(Buffer.from(keys.settings), `${where}: ${name}`), where) };
}

function readVocabulary({ tokens, types }: GgufTokenizerKeys, where: string): Vocabulary {
  const { bytes } = tokens;
  const starts = readStarts(tokens, where);
  const controls = readControls(bytes, { where, starts });
  const extras = readExtras(bytes, { where, starts, types });
  const { byteOf } = byteAlphabet();
  const count = tokens.count - controls.length - extras.length;
  refuseOtherTypes(types, { where, controlCount: controls.length, count });

  return buildVocabulary({
    where,
    controls,
    count,
    extras,
    byteLength: bytes.byteLength,
    write(rank, target, at) {
      const id = rank + controls.length;
      const end = starts[id + 1]! - lengthBytes;
      let length = 0;
      for (let i = starts[id]!; i < end; i++) {
        let codePoint = bytes[i]!;
        // the alphabet ends at U+0143, in the range of two-byte sequences
        if (codePoint >= 0x80) codePoint = ((codePoint ^ 0xc0) << 6) | ((bytes[++i] ?? 0) ^ 0x80);
        const byte = byteOf[codePoint] ?? -1;
        if (byte < 0 || i >= end) throw notTekken(where, `token ${id} is not spelled in the byte alphabet`);
        target[at + length++] = byte;
      }
      return length;
    },
  });
}

const lengthBytes = 8;

/** [count + 1] offset of each token's first byte; the last is where one more would have its own. */
function readStarts({ count, bytes }: { count: number; bytes: Uint8Array }, where: string): Float64Array {
  if (count > maxTokens) throw notTekken(where, `${count} tokens, more than ${maxTokens} cannot be right`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = new Float64Array(count + 1);
  let at = lengthBytes;
  for (let id = 0; id < count; id++) {
    starts[id] = at;
    if (at > bytes.byteLength) throw notTekken(where, `tokenizer.ggml.tokens ends before token ${id} of ${count}`);
    at += view.getUint32(at - lengthBytes, true) + view.getUint32(at - lengthBytes / 2, true) * 2 ** 32 + lengthBytes;
  }
  if (at - lengthBytes > bytes.byteLength) throw notTekken(where, `tokenizer.ggml.tokens ends inside its last token`);
  starts[count] = at;
  return starts;
}

/** Names of the tokens before the first byte, which is spelled U+0100, in UTF-8 C4 80. */
function readControls(bytes: Uint8Array, { where, starts }: { where: string; starts: Float64Array }): string[] {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  const controls: string[] = [];
  for (let id = 0; id + 1 < starts.length; id++) {
    const start = starts[id]!;
    const end = starts[id + 1]! - lengthBytes;
    if (end - start === 2 && bytes[start] === 0xc4 && bytes[start + 1] === 0x80) return controls;
    controls.push(utf8.decode(bytes.subarray(start, end)));
  }
  throw notTekken(where, 'tokenizer.ggml.tokens has no token for the byte 0');
}

const ordinary = 1;
/** Characters that stand for bytes, in no name. */
const strangers = /[\u0100-\u0143]/;

/** Tokens at the end of another type than the ordinary ones. */
function readExtras(
  bytes: Uint8Array,
  { where, starts, types }: { where: string; starts: Float64Array; types: Int32Array | undefined },
): ExtraToken[] {
  const count = starts.length - 1;
  if (types === undefined) return [];
  if (types.length !== count) throw notTekken(where, `${types.length} token types for ${count} tokens`);
  const kinds = Object.keys(tokenTypes) as ExtraToken['kind'][];
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  const extras: ExtraToken[] = [];
  for (let id = count - 1; id >= 0 && types[id] !== ordinary; id--) {
    const kind = kinds.find((known) => tokenTypes[known] === types[id]);
    const name = utf8.decode(bytes.subarray(starts[id], starts[id + 1]! - lengthBytes));
    if (kind === undefined || strangers.test(name)) break; // an ordinary token, called something else
    extras.push({ kind, name });
  }
  return extras.toReversed();
}

function refuseOtherTypes(
  types: Int32Array | undefined,
  { where, count, controlCount }: { where: string; count: number; controlCount: number },
): void {
  if (types === undefined) return;
  for (let id = 0; id < controlCount + count; id++) {
    if ((types[id] === ordinary) !== id >= controlCount) {
      throw notTekken(where, `token ${id} has type ${types[id]}: Tekken has its ${controlCount} control tokens first`);
    }
  }
}
