import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TensorTypeOverride } from '../../src/convert/mixture.ts';
import { type ConvertType, convertTypes } from '../../src/convert/types.ts';
import { u32 } from '../../src/gguf/build.ts';
import { type Gguf, type GgufValue, ggmlTypeName } from '../../src/gguf/types.ts';
import { layoutGguf } from '../../src/gguf/write.ts';
import { stringsValue } from '../../src/convert/metadata.ts';
import { canonicalTensors } from '../../src/weights/canonical.ts';
import type { ModelConfig } from '../../src/weights/types.ts';
import { tinyConfig } from './weights.ts';

export const goldenQuantizedPath = fileURLToPath(new URL('../../fixtures/golden/quantized.json', import.meta.url));

/** One conversion of the text model that is compared with llama-quantize's. */
export interface QuantizedCase {
  name: string;
  type: ConvertType;
  overrides: TensorTypeOverride[];
  imatrix: ImatrixKind | undefined;
}

/** An importance matrix of these columns: that of `config`, in one of the two formats. */
interface ImatrixKind {
  format: 'gguf' | 'dat';
  config: ModelConfig;
}

/** Rows of whole super-blocks, layers enough for every rule that counts them, four query heads to a key head. */
export const mixedConfig: ModelConfig = {
  ...tinyConfig,
  text: { ...tinyConfig.text, dim: 256, layers: 16, heads: 8, kvHeads: 2, headDim: 32, hiddenDim: 256 },
};
/** llama.cpp takes 80 layers for a 70B, and has rules for that. */
const deepConfig: ModelConfig = {
  ...mixedConfig,
  text: { ...mixedConfig.text, layers: 80, kvHeads: 4 },
};

const overrides: TensorTypeOverride[] = [
  { pattern: /blk\.(1|2)\.attn_v/i, type: 'q8_0' },
  { pattern: /FFN_down/i, type: 'iq4_nl' },
  { pattern: /ffn_/i, type: 'q6_k' },
];

/** Every type on rows that fit and rows that do not, with both kinds of importance matrix, with overrides. */
export function quantizedCases(): [ModelConfig, QuantizedCase[]][] {
  const plain = { overrides: [], imatrix: undefined };
  const imatrix = (type: ConvertType): ImatrixKind => ({
    format: type.startsWith('q') ? 'gguf' : 'dat',
    config: mixedConfig,
  });
  return [
    [tinyConfig, convertTypes.map((type) => ({ name: `narrow ${type}`, type, ...plain }))],
    [
      mixedConfig,
      [
        ...convertTypes.map((type) => ({ name: `mixed ${type}`, type, ...plain })),
        ...convertTypes.map((type) => ({ name: `weighted ${type}`, type, overrides: [], imatrix: imatrix(type) })),
        { name: 'overridden q4_k_m', type: 'q4_k_m', overrides, imatrix: undefined },
      ],
    ],
    [deepConfig, (['q4_k_m', 'q3_k_m', 'q2_k'] as const).map((type) => ({ name: `deep ${type}`, type, ...plain }))],
  ];
}

/** Name, type, shape and bytes of every tensor. */
export function tensorsHash(gguf: Gguf): string {
  const hash = createHash('sha256');
  const bytes = readFileSync(gguf.path);
  for (const name of [...gguf.tensors.keys()].sort()) {
    const { type, dims, offset, byteLength } = gguf.tensors.get(name)!;
    hash
      .update(`${name} ${ggmlTypeName(type)} ${dims.join('x')}\n`)
      .update(bytes.subarray(offset, offset + byteLength));
  }
  return hash.digest('hex');
}

/** Seeded importances of every matrix but one: llama.cpp goes without where it knows none. */
export function writeCaseImatrix(folder: string, { format, config }: ImatrixKind): string {
  const path = join(folder, `imatrix.${format}`);
  const entries = canonicalTensors(config)
    .filter(({ gguf, shape }) => /^(blk|output)\./.test(gguf) && shape.length > 1 && gguf !== 'blk.3.ffn_up.weight')
    .map(({ gguf, shape }, index) => ({ name: gguf, values: importances(shape.at(-1)!, index + 1) }));
  writeFileSync(path, format === 'gguf' ? ggufImatrix(entries) : legacyImatrix(entries));
  return path;
}

interface Entry {
  name: string;
  values: Float32Array;
}

function importances(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32) ** 4 * 1000;
  });
}

export function ggufImatrix(entries: readonly Entry[]): Uint8Array {
  const tensors = entries.flatMap(({ name, values }, index) => [
    { name: `${name}.in_sum2`, type: 0, dims: [values.length, 1], values },
    { name: `${name}.counts`, type: 0, dims: [1, 1], values: Float32Array.of(index % 5 === 4 ? 0 : 128 + index) },
  ]);
  const metadata = new Map<string, GgufValue>([
    ['imatrix.datasets', stringsValue(['calibration.txt'])],
    ['imatrix.chunk_count', u32(3)],
    ['imatrix.chunk_size', u32(512)],
  ]);
  const layout = layoutGguf(metadata, tensors);
  const bytes = Buffer.alloc(layout.byteLength);
  bytes.set(layout.header);
  layout.tensors.forEach(({ offset }, index) => bytes.set(new Uint8Array(tensors[index]!.values.buffer), offset));
  return bytes;
}

export function legacyImatrix(entries: readonly Entry[]): Uint8Array {
  const text = (value: string): Buffer => Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]);
  return Buffer.concat([
    int32(entries.length),
    ...entries.flatMap(({ name, values }) => [
      text(name),
      int32(3),
      int32(values.length),
      new Uint8Array(values.buffer),
    ]),
    int32(7),
    text('calibration.txt'),
  ]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
