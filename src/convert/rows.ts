import { PixtralError } from '../base/errors.ts';
import { ggmlTypeName, ggmlTypes, tensorByteLength } from '../gguf/types.ts';
import type { Native } from '../native/native.ts';
import type { SourceType } from '../weights/types.ts';
import type { Chunk } from './plan.ts';

/** The part of ggml that turns rows of weights from one type into another. */
export type RowCodec = Pick<
  Native['ggml'],
  'fp16ToFp32Row' | 'bf16ToFp32Row' | 'fp32ToFp16Row' | 'fp32ToBf16Row' | 'quantizeChunk'
>;

/** Memory that conversions reuse: one chunk as float32. */
export interface RowConverter {
  codec: RowCodec;
  floats: Float32Array;
  /** How many parts of a chunk are quantised at the same time. */
  threads: number;
}

/** ggml_type numbers of the source types. */
const sourceTypes: Readonly<Record<SourceType, number>> = { F32: 0, F16: 1, BF16: 30 };

/** Bytes of a chunk once converted. */
export function targetByteLength({ tensor, rows, perRow }: Chunk): number {
  const type = ggmlTypes.get(tensor.type);
  return type === undefined ? 0 : tensorByteLength(type, rows * perRow);
}

/**
 * Converts one chunk. `bytes` are changed where rows must be permuted, and returned where nothing else is to be done.
 * @param target room for the result, aligned to 4 bytes
 * @throws PixtralError `model` when a weight is NaN or infinite, or too large for f16
 */
export async function convertRows(
  chunk: Chunk,
  { bytes, target, converter }: { bytes: Uint8Array; target: Uint8Array; converter: RowConverter },
): Promise<Uint8Array> {
  const { source, type } = chunk.tensor;
  const where = `${source.path}: tensor ${source.name}`;
  if (!allFinite(bytes, source.dtype)) {
    throw new PixtralError('model', `${where}: holds NaN or infinity, expected finite weights`);
  }
  const ordered = source.permuteHeads === undefined ? bytes : interleaveHalves(bytes, chunk, target);
  if (sourceTypes[source.dtype] === type) return ordered;
  const floats = toFloats(ordered, { dtype: source.dtype, converter });
  const converted = target.subarray(0, targetByteLength(chunk));
  await fromFloats(floats, { chunk, target: converted, converter });
  if (type === 1 && !allFinite(converted, 'F16')) {
    throw new PixtralError('model', `${where}: holds weights beyond the range of f16`, { hint: 'convert to bf16' });
  }
  return converted;
}

/** All exponent bits of a number set mean NaN or infinity: adding one to the exponent then carries into `carried`. */
const exponents: Readonly<Record<SourceType, { mask: number; one: number; carried: number }>> = {
  F32: { mask: 0x7f800000, one: 0x00800000, carried: 0x80000000 },
  F16: { mask: 0x7c007c00, one: 0x04000400, carried: 0x80008000 },
  BF16: { mask: 0x7f807f80, one: 0x00800080, carried: 0x80008000 },
};

/** Looks at 32 bits at once (two numbers of 16 bits): a quarter of the time of a test of each number. */
export function allFinite(bytes: Uint8Array, dtype: SourceType): boolean {
  const { mask, one, carried } = exponents[dtype];
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  let sums = 0;
  for (let index = 0; index < words.length; index++) sums |= ((words[index] ?? 0) & mask) + one;
  if ((bytes.byteLength & 2) !== 0) {
    const last = (bytes.at(-2) ?? 0) | ((bytes.at(-1) ?? 0) << 8);
    sums |= (last & mask) + (one & 0xffff);
  }
  return (sums & carried) === 0;
}

/**
 * Row `h * size + s * half + j` becomes row `h * size + 2 * j + s`: from the order of Hugging Face's rotate_half to
 * the adjacent pairs of Mistral and ggml. `spare` holds one head at a time; the result is in `bytes`.
 */
function interleaveHalves(bytes: Uint8Array, { tensor, rows }: Chunk, spare: Uint8Array): Uint8Array {
  const rowBytes = bytes.byteLength / rows;
  const size = (tensor.dims[1] ?? rows) / (tensor.source.permuteHeads ?? 1);
  const half = size / 2;
  for (let head = 0; head < rows; head += size) {
    const copy = spare.subarray(0, size * rowBytes);
    copy.set(bytes.subarray(head * rowBytes, (head + size) * rowBytes));
    for (let row = 0; row < size; row++) {
      const from = (row % 2) * half + (row >> 1);
      bytes.set(copy.subarray(from * rowBytes, (from + 1) * rowBytes), (head + row) * rowBytes);
    }
  }
  return bytes;
}

function toFloats(
  bytes: Uint8Array,
  { dtype, converter: { codec, floats } }: { dtype: SourceType; converter: RowConverter },
): Float32Array {
  if (dtype === 'F32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const count = bytes.byteLength / 2;
  const target = floats.subarray(0, count);
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
  if (dtype === 'F16') codec.fp16ToFp32Row(halves, target, count);
  else codec.bf16ToFp32Row(halves, target, count);
  return target;
}

async function fromFloats(
  floats: Float32Array,
  { chunk, target, converter }: { chunk: Chunk; target: Uint8Array; converter: RowConverter },
): Promise<void> {
  const { codec } = converter;
  switch (chunk.tensor.type) {
    case 0:
      target.set(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
      return;
    case 1:
      codec.fp32ToFp16Row(floats, asHalves(target), floats.length);
      return;
    case 30:
      codec.fp32ToBf16Row(floats, asHalves(target), floats.length);
      return;
    default:
      await quantizeInParts(floats, { chunk, target, converter });
  }
}

function asHalves(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

/** Rows are independent, so that parts of a chunk can run on several threads. */
async function quantizeInParts(
  floats: Float32Array,
  { chunk, target, converter: { codec, threads } }: { chunk: Chunk; target: Uint8Array; converter: RowConverter },
): Promise<void> {
  const { rows, perRow, tensor } = chunk;
  const rowBytes = target.byteLength / rows;
  const step = Math.ceil(rows / threads);
  const parts = Array.from({ length: Math.ceil(rows / step) }, (_, part) => part * step);
  const written = await Promise.all(
    parts.map((first) => {
      const count = Math.min(step, rows - first);
      const from = floats.subarray(first * perRow, (first + count) * perRow);
      const to = target.subarray(first * rowBytes, (first + count) * rowBytes);
      return codec.quantizeChunk(tensor.type, from, to, 0, count, perRow, null);
    }),
  );
  const sum = written.reduce((total, bytes) => total + bytes, 0);
  if (sum === target.byteLength) return;
  throw new Error(`${tensor.name}: ggml wrote ${sum} bytes of ${ggmlTypeName(tensor.type)}, not ${target.byteLength}`);
}
