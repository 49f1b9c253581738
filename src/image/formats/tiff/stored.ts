import type { SampleFormat } from './layout.ts';

/** What samples are held in: of up to 8 and 16 bits exactly, others as numbers. */
export type Values =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export interface Stored {
  /** Of a pixel. */
  samples: number;
  /** [height, width, samples] */
  get: Values;
}

interface Part {
  width: number;
  height: number;
  /** Of each sample of a pixel. */
  bits: readonly number[];
  format: SampleFormat;
  little: boolean;
  predictor: number;
}

export function createValues({ bits, format }: { bits: number; format: SampleFormat }, length: number): Values {
  if (format === 'float') return bits > 32 ? new Float64Array(length) : new Float32Array(length);
  if (bits > 32) return new Float64Array(length);
  const [byte, short, long] =
    format === 'signed' ? [Int8Array, Int16Array, Int32Array] : [Uint8Array, Uint16Array, Uint32Array];
  return new (bits <= 8 ? byte : bits <= 16 ? short : long)(length);
}

/** The samples of a strip or tile; undefined for a predictor that is not defined for them. */
export function storedSamples(bytes: Uint8Array, part: Part): Stored | undefined {
  const { bits, predictor } = part;
  const [first = 8] = bits;
  const samples = bits.length;
  const even = bits.every((each) => each === first) && [8, 16, 32, 64].includes(first);
  if (predictor === 3) {
    if (part.format !== 'float' || !bits.every((each) => each === first && each % 8 === 0)) return undefined;
    const ordered = undoFloatPredictor(bytes, part);
    return { samples, get: even ? numbersOf(ordered, part) : fromBits(ordered, { ...part, little: true }) };
  }
  if (!even) return predictor === 1 ? { samples, get: fromBits(bytes, part) } : undefined;
  const asStored = part.little || first === 8;
  const ordered = asStored ? (first === 8 && predictor === 1 ? bytes : new Uint8Array(bytes)) : swapped(bytes, first);
  if (predictor === 2) undoDifferences(ordered, part);
  return { samples, get: numbersOf(ordered, part) };
}

function swapped(bytes: Uint8Array, bits: number): Uint8Array {
  const copy = new Uint8Array(bytes.subarray(0, bytes.length - (bytes.length % (bits / 8))));
  const buffer = Buffer.from(copy.buffer, 0, copy.length);
  if (bits === 16) buffer.swap16();
  if (bits === 32) buffer.swap32();
  if (bits === 64) buffer.swap64();
  return copy;
}

/** Lowest byte first, as typed arrays have it on every machine that this runs on. */
function numbersOf(ordered: Uint8Array, { bits, format }: Part): Values {
  const [first = 8] = bits;
  const { buffer, byteOffset } = ordered;
  const count = Math.floor((ordered.length * 8) / first);
  const signed = format === 'signed';
  if (first === 8) return signed ? new Int8Array(buffer, byteOffset, count) : ordered;
  if (format === 'float') {
    if (first === 16) return Float32Array.from(new Uint16Array(buffer, byteOffset, count), (half) => halfFloat(half));
    return first === 32 ? new Float32Array(buffer, byteOffset, count) : new Float64Array(buffer, byteOffset, count);
  }
  if (first === 16)
    return signed ? new Int16Array(buffer, byteOffset, count) : new Uint16Array(buffer, byteOffset, count);
  if (first === 32)
    return signed ? new Int32Array(buffer, byteOffset, count) : new Uint32Array(buffer, byteOffset, count);
  return signed
    ? Float64Array.from(new BigInt64Array(buffer, byteOffset, count), Number)
    : Float64Array.from(new BigUint64Array(buffer, byteOffset, count), Number);
}

/** Each sample was stored as its difference from the one to the left. Source: TIFF 6.0, section 14 */
function undoDifferences(ordered: Uint8Array, { width, height, bits }: Part): void {
  const [first = 8] = bits;
  const stride = bits.length;
  const lineLength = width * stride;
  const { buffer } = ordered;
  const count = height * lineLength;
  if (first === 64) {
    const wide = new BigUint64Array(buffer, 0, count);
    for (let at = 0; at < count; at++) if (at % lineLength >= stride) wide[at]! += wide[at - stride]!;
    return;
  }
  const values =
    first === 8
      ? new Uint8Array(buffer, 0, count)
      : first === 16
        ? new Uint16Array(buffer, 0, count)
        : new Uint32Array(buffer, 0, count);
  for (let line = 0; line < count; line += lineLength) {
    for (let at = line + stride; at < line + lineLength; at++) values[at]! += values[at - stride]!;
  }
}

/** First the highest bytes of a line's samples, then the next, as differences. Source: TIFF technical note 3 */
function undoFloatPredictor(bytes: Uint8Array, { width, height, bits }: Part): Uint8Array {
  const length = bits[0]! / 8;
  const inLine = width * bits.length;
  const lineLength = inLine * length;
  const ordered = new Uint8Array(height * lineLength);
  for (let line = 0; line < ordered.length; line += lineLength) {
    const source = new Uint8Array(bytes.subarray(line, line + lineLength));
    for (let at = bits.length; at < lineLength; at++) source[at]! += source[at - bits.length]!;
    for (let at = 0; at < inLine; at++) {
      for (let byte = 0; byte < length; byte++) {
        ordered[line + at * length + byte] = source[(length - 1 - byte) * inLine + at]!;
      }
    }
  }
  return ordered;
}

/** Samples of any number of bits, the highest first; lines begin on whole bytes. */
function fromBits(bytes: Uint8Array, { width, height, bits, format, little }: Part): Values {
  const widest = Math.max(...bits);
  const samples = bits.length;
  const get = createValues({ bits: widest, format }, width * height * samples);
  const lineLength = Math.ceil((width * bits.reduce((sum, each) => sum + each, 0)) / 8);
  if (widest === 1 && format === 'unsigned') return fromSingleBits(bytes, get, { inLine: width * samples, lineLength });
  const inBytes = little && bits.every((each) => each % 8 === 0);
  for (let line = 0, at = 0; line < height; line++) {
    let bit = line * lineLength * 8;
    for (let column = 0; column < width; column++) {
      for (let sample = 0; sample < samples; sample++, at++) {
        const length = bits[sample]!;
        const value = inBytes ? littleBytes(bytes, bit / 8, length / 8) : highBits(bytes, bit, length);
        get[at] = interpreted(value, { length, format });
        bit += length;
      }
    }
  }
  return get;
}

/** Scans of text are large, and nearly all of them bilevel. */
function fromSingleBits(
  bytes: Uint8Array,
  get: Values,
  { inLine, lineLength }: { inLine: number; lineLength: number },
): Values {
  for (let at = 0, line = 0; at < get.length; line += lineLength) {
    for (let bit = 0; bit < inLine; bit++, at++) get[at] = (bytes[line + (bit >> 3)]! >> (7 - (bit & 7))) & 1;
  }
  return get;
}

function highBits(bytes: Uint8Array, bit: number, length: number): number {
  let value = 0;
  let at = bit;
  const end = bit + length;
  while (at < end) {
    const left = 8 - (at % 8);
    const count = Math.min(left, end - at);
    value = value * 2 ** count + ((bytes[Math.floor(at / 8)]! >> (left - count)) & (2 ** count - 1));
    at += count;
  }
  return value;
}

function littleBytes(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!;
  return value;
}

function interpreted(value: number, { length, format }: { length: number; format: SampleFormat }): number {
  if (format === 'signed') return value >= 2 ** (length - 1) ? value - 2 ** length : value;
  if (format === 'float' && length === 24) return smallFloat(value, { exponentBits: 7, fractionBits: 16 });
  if (format === 'float' && length === 16) return halfFloat(value);
  return value;
}

function halfFloat(bits: number): number {
  return smallFloat(bits, { exponentBits: 5, fractionBits: 10 });
}

/** Of 16 bits by IEEE 754, of 24 by Adobe's technical note 3. */
function smallFloat(
  bits: number,
  { exponentBits, fractionBits }: { exponentBits: number; fractionBits: number },
): number {
  const highest = 2 ** exponentBits - 1;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = (bits >>> (exponentBits + fractionBits)) & 1 ? -1 : 1;
  const exponent = (bits >>> fractionBits) & highest;
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  if (exponent === highest) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * 2 ** (1 - bias) * fraction;
  return sign * 2 ** (exponent - bias) * (1 + fraction);
}
