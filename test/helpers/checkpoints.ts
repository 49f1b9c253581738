import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Chat } from './chats.ts';

/** A golden case of fixtures/checkpoints.py. Values are transformers' own, in float32. */
export interface GoldenCase {
  name: string;
  messages: { role: 'system' | 'user' | 'assistant'; content: ({ text: string } | { image: string })[] }[];
  /** mistral-common's ids of the whole prompt. */
  ids: number[];
  /** Output of the vision tower per picture, [patches, 64]. */
  tower: Float32Array[];
  /** Output of the adapter per picture, [patches, 96]. */
  adapter: Float32Array[];
  /** Logits of the last positions of the prompt, [4, 512]. */
  logits: Float32Array;
  greedy: number[];
  /** Distance of the two best logits at each greedy step. */
  gaps: number[];
}

interface Stored {
  offset: number;
  shape: number[];
}
type StoredCase = Omit<GoldenCase, 'tower' | 'adapter' | 'logits'> & {
  tower: Stored[];
  adapter: Stored[];
  logits: Stored;
};

const fixture = (path: string): string => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));

/** Pixtral's relatives, made by fixtures/families.py: each a folder of both layouts. */
export const relatives = [
  'ministral-3',
  'ministral-3-base',
  'mistral-small-3.1',
  'mistral-small-3.2',
  'magistral-small-1.2',
  'devstral-small-2',
] as const;
export type Relative = (typeof relatives)[number];
export const isRelative = (name: string): name is Relative => relatives.some((relative) => relative === name);

/** The two layouts of the same weights, the patch merger in Mistral's layout, and the relatives. */
export type TinyCheckpoint = 'mistral' | 'huggingface' | 'merger' | Relative;

/** Those of a layout, of the files of a folder that holds both. */
export const layoutFiles = {
  mistral: ['params.json', 'consolidated.safetensors', 'tekken.json'],
  huggingface: ['config.json', 'model.safetensors', 'tekken.json'],
} as const;

export const checkpointFolder = (layout: TinyCheckpoint): string => fixture(`checkpoints/${layout}`);
export const scenePath = (name: string): string => fixture(`scenes/${name}`);

export function goldenCases(checkpoint: TinyCheckpoint = 'mistral'): GoldenCase[] {
  const name = checkpoint === 'mistral' || checkpoint === 'huggingface' ? 'cases' : checkpoint;
  const values = readFileSync(fixture(`golden/${name}.bin`));
  const read = ({ offset, shape }: Stored): Float32Array => {
    const length = shape.reduce((product, side) => product * side, 1);
    return new Float32Array(values.buffer.slice(values.byteOffset + offset, values.byteOffset + offset + length * 4));
  };
  const cases = JSON.parse(readFileSync(fixture(`golden/${name}.json`), 'utf8')) as StoredCase[];
  return cases.map((stored) => ({
    ...stored,
    tower: stored.tower.map(read),
    adapter: stored.adapter.map(read),
    logits: read(stored.logits),
  }));
}

/** The relatives whose weights are stored in 8 bits. */
export const float8Relatives = ['ministral-3', 'devstral-small-2'] as const satisfies Relative[];

/** SHA-256 of the matrices of a text model that is stored in 8 bits, as transformers has them in float32. */
export function float8Sums(name: (typeof float8Relatives)[number]): Record<string, string> {
  return JSON.parse(readFileSync(fixture(`golden/${name}-sums.json`), 'utf8')) as Record<string, string>;
}

/** Conversations of each relative, and mistral-common's ids by its own tokenizer. */
export function relativeChats(): Record<Relative, Chat[]> {
  return JSON.parse(readFileSync(fixture('golden/family-chats.json'), 'utf8')) as ReturnType<typeof relativeChats>;
}

/** transformers' products of all numbers of 8 bits and scales of each shape, as SHA-256. */
export function float8Cases(): { rows: number; columns: number; cases: Float8Case[] } {
  return JSON.parse(readFileSync(fixture('golden/float8.json'), 'utf8')) as ReturnType<typeof float8Cases>;
}

interface Float8Case {
  shape: number[];
  dtype: 'F32' | 'BF16' | 'F16';
  /** Bytes. */
  scale: number[];
  f32: string;
  bf16: string;
}

/** Norm of the difference over norm of the expected values. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let norm = 0;
  if (actual.length !== expected.length) throw new Error(`${actual.length} values, expected ${expected.length}`);
  expected.forEach((value, i) => {
    difference += (value - actual[i]!) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / norm);
}
