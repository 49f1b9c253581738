import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CanonicalTensor, canonicalTensors, nameAt } from '../../src/weights/canonical.ts';
import { huggingFaceNames } from '../../src/weights/huggingface.ts';
import { mistralNames } from '../../src/weights/mistral.ts';
import type { Layout, ModelConfig } from '../../src/weights/types.ts';
import type { TokenizerVersion } from '../../src/tokenizer/tekken.ts';
import { jsonBytes, tekkenFile } from '../helpers/tekken.ts';
import { configJson, hubParams, paramsJson } from '../helpers/weights.ts';

/** Pixtral-12B-2409. */
export const pixtral12b: ModelConfig = {
  text: {
    dim: 5120,
    layers: 40,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    hiddenDim: 14336,
    ropeTheta: 1e9,
    normEps: 1e-5,
    vocabularySize: 131_072,
    contextLength: 131_072,
    tiedEmbeddings: false,
  },
  vision: {
    hiddenSize: 1024,
    intermediateSize: 4096,
    layers: 24,
    heads: 16,
    headDim: 64,
    patchSize: 16,
    imageSize: 1024,
    ropeTheta: 1e4,
    normEps: 1e-5,
    channels: 3,
    spatialMergeSize: 1,
    imageTokenId: 10,
    imageBreakTokenId: 12,
    imageEndTokenId: 13,
    adapterBias: true,
    projectorNorm: false,
  },
};

/** The same architecture and vocabulary with 503 million parameters: runs take seconds in place of minutes. */
export const pixtral500m: ModelConfig = {
  text: { ...pixtral12b.text, dim: 1024, layers: 14, heads: 8, kvHeads: 2, hiddenDim: 3584 },
  vision: { ...pixtral12b.vision, hiddenSize: 512, intermediateSize: 2048, layers: 10, heads: 8 },
};

/** Hugging Face's library cuts shards at this size. */
const maxShardBytes = 5e9;

const ministralVision: ModelConfig['vision'] = {
  ...pixtral12b.vision,
  patchSize: 14,
  imageSize: 1540,
  spatialMergeSize: 2,
  adapterBias: false,
  projectorNorm: true,
};

const ministralText: ModelConfig['text'] = {
  ...pixtral12b.text,
  ropeTheta: 1e6,
  contextLength: 262_144,
  yarn: { factor: 16, originalContext: 16_384, betaFast: 32, betaSlow: 1, attentionFactor: 1 },
  temperature: { beta: 0.1, originalContext: 16_384 },
};

/** Pixtral's relatives. */
export const relatives = {
  'Ministral 3 3B, Shieldstral 1.0': {
    text: { ...ministralText, dim: 3072, layers: 26, hiddenDim: 9216, tiedEmbeddings: true },
    vision: ministralVision,
  },
  'Ministral 3 8B': { text: { ...ministralText, dim: 4096, layers: 34 }, vision: ministralVision },
  'Ministral 3 14B': { text: { ...ministralText, hiddenDim: 16_384 }, vision: ministralVision },
  'Pixtral-12B': pixtral12b,
  'Mistral Small 3.1, 3.2, Magistral Small 1.2': {
    text: { ...pixtral12b.text, hiddenDim: 32_768 },
    vision: ministralVision,
  },
  'Devstral Small 2': { text: { ...ministralText, hiddenDim: 32_768 }, vision: ministralVision },
} as const satisfies Record<string, ModelConfig>;

/**
 * Writes a checkpoint with random weights; Hugging Face's in shards with an index.
 * @param version of the tokenizer
 * @param float8 matrices of the text model's layers in 8 bits, each with a scale; in Mistral's layout
 * @returns bytes of weights
 */
export async function writeRandomCheckpoint(
  folder: string,
  {
    config,
    layout,
    float8 = false,
    version = 'v3',
  }: { config: ModelConfig; layout: Layout; float8?: boolean; version?: TokenizerVersion },
): Promise<number> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tekken.json'), jsonBytes(tekkenFile(version)));
  const names = layout === 'mistral' ? mistralNames : huggingFaceNames;
  const tensors = canonicalTensors(config).map((tensor) => ({
    ...tensor,
    name: nameAt(names[tensor.pattern] ?? '', tensor.layer),
  }));
  const noise = randomBf16(1, 32 * 1024 * 1024);
  if (layout === 'mistral') {
    const params = {
      ...hubParams(paramsJson(config)),
      max_position_embeddings: config.text.contextLength,
      ...(float8 && { quantization: { qformat_weight: 'fp8_e4m3', qscheme_act: 'TENSOR' } }),
    };
    await writeFile(join(folder, 'params.json'), JSON.stringify(params));
    const stored = float8 ? tensors.flatMap(inFloat8) : tensors;
    await writeShard(join(folder, 'consolidated.safetensors'), { tensors: stored, noise });
    return stored.reduce((sum, tensor) => sum + byteLengthOf(tensor), 0);
  } else {
    await writeFile(join(folder, 'config.json'), JSON.stringify(configJson(config)));
    await writeShards(folder, { tensors, noise });
  }
  return tensors.reduce((sum, tensor) => sum + byteLengthOf(tensor), 0);
}

type NamedTensor = CanonicalTensor & { name: string; dtype?: 'F8_E4M3' | 'F32' };

function inFloat8(tensor: NamedTensor): NamedTensor[] {
  if (!tensor.pattern.startsWith('blk.') || tensor.shape.length === 1) return [tensor];
  const scale = { ...tensor, name: tensor.name.replace(/weight$/, 'qscale_weight'), shape: [], dtype: 'F32' as const };
  return [{ ...tensor, dtype: 'F8_E4M3' }, scale];
}

interface Contents {
  tensors: readonly NamedTensor[];
  noise: Uint16Array;
}

async function writeShards(folder: string, { tensors, noise }: Contents): Promise<void> {
  const shards: NamedTensor[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    if (bytes + byteLengthOf(tensor) > maxShardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += byteLengthOf(tensor);
  }
  const weightMap: Record<string, string> = {};
  for (const [index, shard] of shards.entries()) {
    const number = (value: number): string => String(value).padStart(5, '0');
    const file = `model-${number(index + 1)}-of-${number(shards.length)}.safetensors`;
    await writeShard(join(folder, file), { tensors: shard, noise });
    for (const { name } of shard) weightMap[name] = file;
  }
  const index = { metadata: {}, weight_map: weightMap };
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
}

function byteLengthOf({ shape, dtype }: NamedTensor): number {
  const bytes = dtype === 'F8_E4M3' ? 1 : dtype === 'F32' ? 4 : 2;
  return bytes * shape.reduce((product, side) => product * side, 1);
}

async function writeShard(path: string, { tensors, noise }: Contents): Promise<void> {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const tensor of tensors) {
    const start = end;
    end += byteLengthOf(tensor);
    header[tensor.name] = { dtype: tensor.dtype ?? 'BF16', shape: tensor.shape, data_offsets: [start, end] };
  }
  const json = JSON.stringify(header);
  const length = new Uint8Array(8);
  const padded = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  const file = await open(path, 'w');
  try {
    await file.write(length);
    await file.write(padded);
    for (const [index, tensor] of tensors.entries()) await writeTensor(file, tensor, { noise, index });
  } finally {
    await file.close();
  }
}

/** Norms are ones; matrices a window of the noise, another one in each. Of 8 bits: any numbers up to 240, times 1e-4. */
async function writeTensor(
  file: FileHandle,
  { shape, dtype }: NamedTensor,
  { noise, index }: { noise: Uint16Array; index: number },
): Promise<void> {
  if (dtype === 'F32') {
    await file.write(new Uint8Array(Float32Array.of(1e-4).buffer));
    return;
  }
  if (dtype === 'F8_E4M3') {
    const bytes = new Uint8Array(shape.reduce((product, side) => product * side, 1));
    for (let at = 0; at < bytes.length; at++) bytes[at] = (noise[(index * 1_000_003 + at) % noise.length]! * 31) & 0xf7;
    await file.write(bytes);
    return;
  }
  const count = shape.reduce((product, side) => product * side, 1);
  if (shape.length === 1) {
    await file.write(new Uint8Array(new Uint16Array(count).fill(0x3f80).buffer));
    return;
  }
  let from = (index * 1_000_003) % (noise.length / 2);
  for (let done = 0; done < count;) {
    const part = noise.subarray(from, from + count - done);
    await file.write(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    done += part.length;
    from = (from * 7 + 1) % (noise.length / 2);
  }
}

/** Uniform values with a standard deviation of 0.02, so that activations of 40 layers stay finite. */
function randomBf16(seed: number, count: number): Uint16Array {
  const values = new Uint16Array(count);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    float[0] = ((state >>> 0) / 2 ** 32 - 0.5) * 0.07;
    values[i] = bits[0]! >>> 16;
  }
  return values;
}
