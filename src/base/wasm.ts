/**
 * Just enough of a WebAssembly assembler for a few inner loops: JavaScript has no vector instructions, and without them
 * the resize takes longer than the whole of the reference's.
 * Source: WebAssembly core specification 2.0, chapter 5 (binary format).
 */
export type Code = readonly (number | Code)[];

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

export interface WasmFunction {
  name: string;
  /** Parameters come first among the locals. */
  parameters: readonly ValueType[];
  locals: readonly ValueType[];
  body: Code;
}

const typeCodes: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Of a memory that several threads share, in pages. */
export interface SharedPages {
  initial: number;
  maximum: number;
}

/** The bytes of a module that imports `env.memory` and exports the functions, none of which returns anything. */
export function assembleModule(functions: readonly WasmFunction[], shared?: SharedPages): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, vector(parameters.map((type) => [typeCodes[type]])), 0]);
  const limits = shared ? [0x03, unsigned(shared.initial), unsigned(shared.maximum)] : [0x00, 1];
  const memoryImport = [...name('env'), ...name('memory'), 0x02, limits];
  const exports = functions.map(({ name: exported }, index) => [...name(exported), 0x00, unsigned(index)]);
  return Uint8Array.from(
    flat([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, vector(types)),
      section(2, vector([memoryImport])),
      section(3, vector(functions.map((_, index) => unsigned(index)))),
      section(7, vector(exports)),
      section(10, vector(functions.map(functionCode))),
    ]),
  );
}

function functionCode({ locals, body }: WasmFunction): Code {
  const code = flat([vector(locals.map((type) => [1, typeCodes[type]])), body, 0x0b]);
  return [unsigned(code.length), code];
}

function section(id: number, content: Code): Code {
  const bytes = flat(content);
  return [id, unsigned(bytes.length), bytes];
}

function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function name(text: string): number[] {
  return [text.length, ...new TextEncoder().encode(text)];
}

function flat(code: Code): number[] {
  return code.flatMap((part) => (typeof part === 'number' ? [part] : flat(part)));
}

/** LEB128 */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value >= -64 && value < 64 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];
export const i32 = (value: number): Code => [0x41, signed(value)];
export const add = (a: Code, b: Code): Code => [a, b, 0x6a];
export const multiply = (a: Code, b: Code): Code => [a, b, 0x6c];

/** Runs `body` while `local` is below `limit` (unsigned), testing after each turn: at least once. */
export function loopBelow(local: number, limit: Code, body: Code): Code {
  return [0x03, 0x40, body, get(local), limit, 0x49, 0x0d, 0, 0x0b];
}

const simd = (opcode: number): Code => [0xfd, unsigned(opcode)];
/** `offset` bytes after an address; unaligned access is allowed. */
const at = (offset: number): Code => [0, unsigned(offset)];

export const load = (address: Code, offset: number): Code => [address, simd(0x00), at(offset)];
/** Two numbers of 32 bits and two zeros. */
export const load64 = (address: Code, offset: number): Code => [address, simd(0x5d), at(offset)];
export const load32Splat = (address: Code, offset: number): Code => [address, simd(0x09), at(offset)];
export const store = (address: Code, value: Code): Code => [address, value, simd(0x0b), at(0)];
export const store32Lane = (address: Code, value: Code, lane: number): Code => [
  address,
  value,
  simd(0x5a),
  at(0),
  lane,
];
export const store16Lane = (address: Code, value: Code, lane: number): Code => [
  address,
  value,
  simd(0x59),
  at(0),
  lane,
];
/** Bytes by their places in `value`. */
export const pickBytes = (value: Code, places: readonly number[]): Code => [value, value, simd(0x0d), places];
/** Bytes by their places in `value`, 0 where there is none: one instruction, unlike those that extend a half. */
export const pickBytesOrZeros = (value: Code, places: readonly (number | undefined)[]): Code => [
  value,
  simd(0x0c),
  places.map((place) => place ?? 0xff),
  simd(0x0e),
];
/** Bytes by their places in `first` (0 to 15) and `second` (16 to 31). */
export const pickBytesOfTwo = (first: Code, second: Code, places: readonly number[]): Code => [
  first,
  second,
  simd(0x0d),
  places,
];
/** 32-bit parts by their places in `first` (0 to 3) and `second` (4 to 7). */
export const pickWords = (first: Code, second: Code, places: readonly number[]): Code => [
  first,
  second,
  simd(0x0d),
  places.flatMap((place) => [0, 1, 2, 3].map((byte) => place * 4 + byte)),
];
export const addF32x4 = (a: Code, b: Code): Code => [a, b, simd(0xe4)];
export const subtractF32x4 = (a: Code, b: Code): Code => [a, b, simd(0xe5)];
export const multiplyF32x4 = (a: Code, b: Code): Code => [a, b, simd(0xe6)];
export const toF32x4 = (value: Code): Code => [value, simd(0xfa)];

/** Four times the same 32 bits. */
export const words = (bits: number): Code => {
  const bytes = [bits, bits >>> 8, bits >>> 16, bits >>> 24].map((byte) => byte & 0xff);
  return [simd(0x0c), bytes, bytes, bytes, bytes];
};
/** Four times the number of a local. */
export const splatF32 = (value: Code): Code => [value, simd(0x13)];
/** Four times the same number. */
export const floats = (value: number): Code => words(new Uint32Array(Float32Array.of(value).buffer)[0]!);
export const and = (a: Code, b: Code): Code => [a, b, simd(0x4e)];
export const or = (a: Code, b: Code): Code => [a, b, simd(0x50)];
export const lessI32x4 = (a: Code, b: Code): Code => [a, b, simd(0x39)];
export const maxU8x16 = (a: Code, b: Code): Code => [a, b, simd(0x79)];
export const maxI16x8 = (a: Code, b: Code): Code => [a, b, simd(0x98)];
export const maxU32x4 = (a: Code, b: Code): Code => [a, b, simd(0xb9)];
export const addI32x4 = (a: Code, b: Code): Code => [a, b, simd(0xae)];
export const subtractI32x4 = (a: Code, b: Code): Code => [a, b, simd(0xb1)];
export const divideF32x4 = (a: Code, b: Code): Code => [a, b, simd(0xe7)];
export const lessF32x4 = (a: Code, b: Code): Code => [a, b, simd(0x43)];
export const truncateF32x4 = (value: Code): Code => [value, simd(0x69)];
/** Whole numbers of 32 bits, what is too large for them the largest. */
export const toI32x4 = (value: Code): Code => [value, simd(0xf8)];
export const shiftLeftI32x4 = (value: Code, bits: number): Code => [value, i32(bits), simd(0xab)];
export const shiftRightU32x4 = (value: Code, bits: number): Code => [value, i32(bits), simd(0xad)];
/** Signed numbers of 32 bits as ones of 16, and of 16 as ones of 8, each at most as far from 0 as there is room for. */
export const narrow32 = (low: Code, high: Code): Code => [low, high, simd(0x85)];
export const narrow16 = (low: Code, high: Code): Code => [low, high, simd(0x65)];
/** Signed numbers of 16 bits as bytes from 0 to 255. */
export const narrow16ToBytes = (low: Code, high: Code): Code => [low, high, simd(0x66)];
export const subtractI8x16 = (a: Code, b: Code): Code => [a, b, simd(0x71)];
/** How many of 16 bytes are 0. */
export const countZeros = (value: Code): Code => [value, i32(0), simd(0x0f), simd(0x23), simd(0x64), 0x69];
export const storeI32 = (address: Code, value: Code): Code => [address, value, 0x36, 2, 0];

/** The larger ones; what is no number in `b` is none. */
export const largerF32x4 = (a: Code, b: Code): Code => [a, b, simd(0xeb)];
export const smallerF32x4 = (a: Code, b: Code): Code => [a, b, simd(0xea)];

/** Twice the same number. */
export const doubles = (value: number): Code => {
  const bytes = [...new Uint8Array(Float64Array.of(value).buffer)];
  return [simd(0x0c), bytes, bytes];
};
/** Twice a local's number of 32 bits. */
export const splatF32AsF64 = (value: Code): Code => [value, 0xbb, simd(0x14)];
/** The lower two of four. */
export const lowF32AsF64x2 = (value: Code): Code => [value, simd(0x5f)];
export const truncateF64x2 = (value: Code): Code => [value, simd(0xfc)];
export const addF64x2 = (a: Code, b: Code): Code => [a, b, simd(0xf0)];
export const subtractF64x2 = (a: Code, b: Code): Code => [a, b, simd(0xf1)];
export const multiplyF64x2 = (a: Code, b: Code): Code => [a, b, simd(0xf2)];
export const divideF64x2 = (a: Code, b: Code): Code => [a, b, simd(0xf3)];
export const ceilF64x2 = (value: Code): Code => [value, simd(0x74)];
export const smallerF64x2 = (a: Code, b: Code): Code => [a, b, simd(0xf6)];
/**
 * 2 to the power of two whole numbers, from -1022 to 1023. What 1.5 * 2^52 is added to is a whole number in its last bits,
 * and only these are left where the exponent is.
 */
export const powersOfTwo = (exponents: Code): Code => [
  addF64x2(exponents, doubles(1.5 * 2 ** 52 + 1023)),
  i32(52),
  simd(0xcb),
];
export const laneF64 = (value: Code, lane: number): Code => [value, simd(0x21), lane];
export const addF64 = (a: Code, b: Code): Code => [a, b, 0xa0];
export const storeF64 = (address: Code, value: Code): Code => [address, value, 0x39, 0, 0];
