import { viewBytes } from '../base/view-bytes.ts';
import { PixtralError } from '../base/errors.ts';
import { ggmlTypeName } from '../gguf/types.ts';
import type { Ggml } from '../native/native.ts';
import { type SourceType, sourceTypeBytes } from '../weights/types.ts';
import { type Factors, addLowRank } from './low-rank.ts';
import { type Float8Target, type SimdBuffers, type SimdConverter, float8Targets } from './simd/converter.ts';
import { type Slice, targetByteLength } from './slices.ts';
import { typeId } from './types.ts';

/** The part of ggml that turns rows of weights from one type into another, on worker threads. */
export type RowCodec = Pick<Ggml, 'fp16ToFp32Rows' | 'bf16ToFp32Rows' | 'fp32ToFp16Rows' | 'quantizeChunk'>;

/** Memory that one slice after the other uses, as large as the largest needs. */
export interface SliceBuffers {
  read: Uint8Array;
  floats: Float32Array;
  target: Uint8Array;
}

type FloatType = Exclude<SourceType, 'F8_E4M3'>;

/** Source types that ggml has, as ggml_type numbers. */
const sourceTypes: Readonly<Record<FloatType, number>> = {
  F32: typeId('f32'),
  F16: typeId('f16'),
  BF16: typeId('bf16'),
};

/**
 * Converts one slice from `buffers.read`, whose bytes are reordered where rows must be permuted.
 * @returns the result, in one of the buffers
 * @throws PixtralError `model` when a weight is NaN or infinite, or too large for the type
 */
export async function convertSlice(
  slice: Slice,
  buffers: SliceBuffers,
  { codec, factors }: { codec: RowCodec; factors: Factors | undefined },
): Promise<Uint8Array> {
  const { source, type } = slice.tensor;
  const { dtype } = source;
  const bytes = buffers.read.subarray(0, slice.rows * slice.perRow * sourceTypeBytes[dtype]);
  const target = buffers.target.subarray(0, targetByteLength(slice));
  if (dtype === 'F8_E4M3') {
    const floats = buffers.floats.subarray(0, bytes.byteLength);
    scaleRows(bytes, slice, floats);
    if (factors) {
      await roundTo('BF16', floats, codec); // as transformers loads them
      await merge(floats, { slice, factors, dtype: 'BF16', codec });
    }
    requireRange(viewBytes(floats), { slice, dtype: 'F32' });
    return quantize(floats, { slice, target, codec });
  }
  requireRange(bytes, { slice, dtype });
  if (source.permuteHeads !== undefined) interleaveHalves(bytes, slice, buffers.target);
  if (sourceTypes[dtype] === type && !factors) return bytes;
  const floats = await toFloats(bytes, { dtype, floats: buffers.floats, codec });
  if (factors) {
    await merge(floats, { slice, factors, dtype, codec });
    requireRange(viewBytes(floats), { slice, dtype: 'F32' });
  }
  return quantize(floats, { slice, target, codec });
}

/** Whether the slice is for the converter on threads: of bf16 to q8_0, or of 8 bits with one scale, as nearly all are. */
export function isForSimd({ tensor: { source, type }, perRow }: Slice): boolean {
  if (source.lowRank !== undefined) return false;
  if (source.dtype === 'BF16') return type === typeId('q8_0');
  const inBlocks = perRow % 32 === 0 && source.scales?.values.length === 1;
  return source.dtype === 'F8_E4M3' && inBlocks && float8Target(type) !== undefined;
}

function float8Target(type: number): Float8Target | undefined {
  return float8Targets.find((target) => typeId(target) === type);
}

/**
 * `convertSlice` of a slice that is for the converter, on its threads.
 * @throws PixtralError `model` as it
 */
export async function convertSimdSlice(
  slice: Slice,
  buffers: SimdBuffers,
  converter: SimdConverter,
): Promise<Uint8Array> {
  const { source } = slice.tensor;
  const bytes = buffers.read.subarray(0, slice.rows * slice.perRow * sourceTypeBytes[source.dtype]);
  if (source.permuteHeads !== undefined) interleaveHalves(bytes, slice, buffers.target);
  if (source.scales) await scaleSlice(slice, { bytes, buffers, converter, scale: source.scales.values[0]! });
  else {
    const peak = await converter.quantize(buffers, bytes.byteLength);
    if (peak >= firstBeyondF16) requireRange(bytes, { slice, dtype: 'BF16' });
  }
  return buffers.target.subarray(0, targetByteLength(slice));
}

async function scaleSlice(
  slice: Slice,
  {
    bytes: { byteLength },
    buffers,
    converter,
    scale,
  }: { bytes: Uint8Array; buffers: SimdBuffers; converter: SimdConverter; scale: number },
): Promise<void> {
  const to = float8Target(slice.tensor.type)!;
  const peak = await converter.scale(buffers, { to, byteLength, scale });
  requireRange(viewBytes(Float32Array.of(float8[peak]! * scale)), { slice, dtype: 'F32' });
}

/** As bf16: 65,536, which f16 rounds to infinity. */
const firstBeyondF16 = 0x4780;

function requireRange(bytes: Uint8Array, { slice, dtype }: { slice: Slice; dtype: FloatType }): void {
  const { source, type } = slice.tensor;
  // Types of blocks keep their scales as f16.
  const limit = type === typeId('f32') || type === typeId('bf16') ? 'infinity' : 'f16';
  if (allBelow(bytes, dtype, limit)) return;
  const where = `${source.path}: tensor ${source.name}`;
  if (!allBelow(bytes, dtype, 'infinity')) {
    throw new PixtralError('model', `${where}: holds NaN or infinity, expected finite weights`);
  }
  throw new PixtralError('model', `${where}: holds weights beyond the range of f16`, { hint: 'convert to bf16' });
}

/**
 * How to compare many magnitudes at once: what is added makes those at the limit (infinity, or what f16 rounds to it)
 * carry into the sign's place.
 */
const magnitudes: Readonly<Record<FloatType, { mask: number; carried: number; infinity: number; f16: number }>> = {
  F32: { mask: 0x7fffffff, carried: 0x80000000, infinity: 0x00800000, f16: 0x38801000 },
  F16: { mask: 0x7fff7fff, carried: 0x80008000, infinity: 0x04000400, f16: 0x04000400 },
  BF16: { mask: 0x7fff7fff, carried: 0x80008000, infinity: 0x00800080, f16: 0x38803880 },
};

export function allBelow(bytes: Uint8Array, dtype: FloatType, limit: 'infinity' | 'f16'): boolean {
  return allBelowTwo(bytes, dtype) || allBelowLimit(bytes, dtype, limit);
}

/** Nearly every slice: from 2 on, a number has the highest bit of its exponent. Half the work of a comparison. */
function allBelowTwo(bytes: Uint8Array, dtype: FloatType): boolean {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  const inFours = words.length & ~3;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let index = 0; index < inFours; index += 4) {
    a |= words[index]!;
    b |= words[index + 1]!;
    c |= words[index + 2]!;
    d |= words[index + 3]!;
  }
  for (const word of words.subarray(inFours)) a |= word;
  if ((bytes.byteLength & 2) !== 0) a |= (bytes.at(-1) ?? 0) << 8;
  return ((a | b | c | d) & (dtype === 'F32' ? 0x40000000 : 0x40004000)) === 0;
}

/** Looks at 32 bits at once (two numbers of 16 bits), in four chains: it costs about as much as a copy. */
function allBelowLimit(bytes: Uint8Array, dtype: FloatType, limit: 'infinity' | 'f16'): boolean {
  const { mask, carried, [limit]: added } = magnitudes[dtype];
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  const inFours = words.length & ~3;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let index = 0; index < inFours; index += 4) {
    a |= (words[index]! & mask) + added;
    b |= (words[index + 1]! & mask) + added;
    c |= (words[index + 2]! & mask) + added;
    d |= (words[index + 3]! & mask) + added;
  }
  for (const word of words.subarray(inFours)) a |= (word & mask) + added;
  if ((bytes.byteLength & 2) !== 0) {
    const last = (bytes.at(-2) ?? 0) | ((bytes.at(-1) ?? 0) << 8);
    a |= (last & mask) + (added & 0xffff);
  }
  return ((a | b | c | d) & carried) === 0;
}

/** `spare` holds one head at a time; the result is in `bytes`. */
function interleaveHalves(bytes: Uint8Array, slice: Slice, spare: Uint8Array): void {
  const { rows } = slice;
  const rowBytes = bytes.byteLength / rows;
  const { size, from } = headOf(slice, slice.tensor.source.permuteHeads);
  for (let head = 0; head < rows; head += size) {
    const copy = spare.subarray(0, size * rowBytes);
    copy.set(bytes.subarray(head * rowBytes, (head + size) * rowBytes));
    for (let row = 0; row < size; row++) {
      bytes.set(copy.subarray(from(row) * rowBytes, (from(row) + 1) * rowBytes), (head + row) * rowBytes);
    }
  }
}

/**
 * Row `h * size + s * half + j` becomes row `h * size + 2 * j + s`: from the order of Hugging Face's rotate_half to
 * the adjacent pairs of Mistral and ggml. `from`: which row of a head comes to a row's place.
 */
function headOf(
  { tensor, rows }: Slice,
  permuteHeads: number | undefined,
): { size: number; from: (row: number) => number } {
  if (permuteHeads === undefined) return { size: 1, from: (row) => row };
  const size = (tensor.dims[1] ?? rows) / permuteHeads;
  const half = size / 2;
  return { size, from: (row) => (row % 2) * half + (row >> 1) };
}

/** Numbers of 8 bits by their byte: a sign, 4 bits of exponent, 3 of fraction, no infinity (arXiv 2209.05433). */
const float8: Float32Array = Float32Array.from({ length: 256 }, (_, byte) => {
  const exponent = (byte >> 3) & 15;
  const fraction = byte & 7;
  if (exponent === 15 && fraction === 7) return NaN;
  const magnitude = exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10);
  return byte & 0x80 ? -magnitude : magnitude;
});

/** Each weight times the scale of its block, rounded once to f32; rows are interleaved on the way where they must be. */
function scaleRows(bytes: Uint8Array, slice: Slice, floats: Float32Array): void {
  const { rows, perRow, firstRow, tensor } = slice;
  const { values, rowsPerBlock, columnsPerBlock, blocksPerRow } = tensor.source.scales!;
  const { size, from } = headOf(slice, slice.tensor.source.permuteHeads);
  const table = new Float32Array(256);
  let tabled = NaN;
  for (let row = 0; row < rows; row++) {
    const source = size === 1 ? row : row - (row % size) + from(row % size);
    const firstBlock = Math.floor((firstRow + source) / rowsPerBlock) * blocksPerRow;
    for (let column = 0; column < perRow; column += columnsPerBlock) {
      const scale = values[firstBlock + column / columnsPerBlock]!;
      if (scale !== tabled) for (let byte = 0; byte < 256; byte++) table[byte] = float8[byte]! * scale;
      tabled = scale;
      const count = Math.min(columnsPerBlock, perRow - column);
      const [first, target] = [source * perRow + column, row * perRow + column];
      for (let at = 0; at < count; at++) floats[target + at] = table[bytes[first + at]!]!;
    }
  }
}

/** Adds the product of the factors, and rounds as weights of this type are. */
async function merge(
  floats: Float32Array,
  { slice, factors, dtype, codec }: { slice: Slice; factors: Factors; dtype: FloatType; codec: RowCodec },
): Promise<void> {
  const { lowRank } = slice.tensor.source;
  const { size, from } = headOf(slice, lowRank?.permuteHeads);
  addLowRank(floats, {
    ...factors,
    scale: lowRank!.scale,
    columns: slice.perRow,
    rowOf: (row) => {
      const whole = slice.firstRow + row;
      return whole - (whole % size) + from(whole % size);
    },
  });
  await roundTo(dtype, floats, codec);
}

/** To the nearest number of the type, ties to even; in place. */
async function roundTo(dtype: FloatType, floats: Float32Array, codec: RowCodec): Promise<void> {
  if (dtype === 'F32') return;
  if (dtype === 'F16') {
    const halves = new Uint16Array(floats.length);
    await codec.fp32ToFp16Rows(floats, halves, floats.length);
    await codec.fp16ToFp32Rows(halves, floats, floats.length);
    return;
  }
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    words[index] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  }
}

async function toFloats(
  bytes: Uint8Array,
  { dtype, floats, codec }: { dtype: FloatType; floats: Float32Array; codec: RowCodec },
): Promise<Float32Array> {
  if (dtype === 'F32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const count = bytes.byteLength / 2;
  const target = floats.subarray(0, count);
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
  await (dtype === 'F16' ? codec.fp16ToFp32Rows(halves, target, count) : codec.bf16ToFp32Rows(halves, target, count));
  return target;
}

async function quantize(
  floats: Float32Array,
  { slice, target, codec }: { slice: Slice; target: Uint8Array; codec: RowCodec },
): Promise<Uint8Array> {
  const { tensor, rows, perRow } = slice;
  const { type, name, importance } = tensor;
  if (type === typeId('f32')) return viewBytes(floats);
  if (type === typeId('f16')) {
    await codec.fp32ToFp16Rows(floats, new Uint16Array(target.buffer, target.byteOffset, floats.length), floats.length);
    return target;
  }
  const written = await codec.quantizeChunk(type, floats, target, 0, rows, perRow, importance ?? null);
  if (written === target.byteLength) return target;
  throw new Error(`${name}: ggml wrote ${written} bytes of ${ggmlTypeName(type)}, not ${target.byteLength}`);
}
