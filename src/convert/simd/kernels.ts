import {
  type Code,
  type SharedPages,
  type WasmFunction,
  add,
  addF32x4,
  addI32x4,
  and,
  assembleModule,
  divideF32x4,
  floats,
  get,
  i32,
  lessF32x4,
  lessI32x4,
  load,
  loopBelow,
  maxI16x8,
  maxU32x4,
  maxU8x16,
  multiplyF32x4,
  narrow16,
  narrow32,
  or,
  pickBytesOfTwo,
  set,
  shiftLeftI32x4,
  shiftRightU32x4,
  splatF32,
  store,
  store16Lane,
  subtractF32x4,
  subtractI32x4,
  truncateF32x4,
  words,
} from '../../base/wasm.ts';

/** Weights and bytes of a block: a scale in f16, then a byte each. */
const blockWeights = 32;
const blockBytes = 34;

/**
 * Functions of byte addresses (source, sourceEnd, target, peak), which take whole blocks.
 *
 * `bf16ToQ8`: bf16 becomes q8_0, to the bit that of ggml's quantize_row_q8_0_ref, and at `peak` stand eight magnitudes
 * as bf16 of which the largest is that of all weights. Four lanes at once are eleven times as fast as libggml-base, which
 * calls roundf for each weight.
 * `float8ToQ8`, `float8ToBf16`, `float8ToF16`, `float8ToF32`: numbers of 8 bits times a scale, the fifth parameter, rounded to
 * f32, become the type, to the bit as ggml makes it; at `peak` stand sixteen magnitudes of 8 bits.
 */
export function simdModule(pages: SharedPages): Uint8Array<ArrayBuffer> {
  return assembleModule([bf16ToQ8, float8ToQ8, float8ToBf16, float8ToF16, float8ToF32], pages);
}

export type KernelName = 'bf16ToQ8' | 'float8ToQ8' | 'float8ToBf16' | 'float8ToF16' | 'float8ToF32';

const [source, sourceEnd, target, peak] = [0, 1, 2, 3];
const halves = [4, 5, 6, 7] as const;
const [running, most, scale, inverse, value] = [8, 9, 10, 11, 12];
const [zero, magnitude, sign, nearHalf, magic] = [13, 14, 15, 16, 17];

const rotated = (by: number): number[] => Array.from({ length: 16 }, (_, index) => (index + by) % 16);
/** Parts of 16 bits as the upper halves of 32: bf16 as f32. */
const widenLow = [0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23];
const widenHigh = [8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31];

/** What all of them begin with. */
const constants: Code = [
  set(running, words(0)),
  set(zero, words(0)),
  set(sign, words(0x80000000)),
  set(nearHalf, words(0x3effffff)),
  set(magic, words(0x4b400000)),
];

const bf16ToQ8: WasmFunction = {
  name: 'bf16ToQ8',
  parameters: ['i32', 'i32', 'i32', 'i32'],
  locals: Array.from({ length: 14 }, () => 'v128' as const),
  body: [
    constants,
    set(magnitude, words(0x7fff7fff)),
    loopBelow(source, get(sourceEnd), [
      halves.map((local, index) => set(local, load(get(source), index * 16))),
      set(most, maxI16x8(maxI16x8(abs(0), abs(1)), maxI16x8(abs(2), abs(3)))),
      set(running, maxI16x8(get(running), get(most))),
      [8, 4, 2].map((by) => set(most, maxI16x8(get(most), pickBytesOfTwo(get(most), get(most), rotated(by))))),
      storeBlock(pickBytesOfTwo(get(zero), get(most), widenLow), widened),
      set(source, add(get(source), i32(blockWeights * 2))),
    ]),
    store(get(peak), get(running)),
  ],
};

const factor = 4;
const bytes = [5, 6] as const;
const [word, tiny, factors, low] = [7, 18, 19, 20];
const magnitudes8 = words(0x7f7f7f7f);

/** The same locals as above, but for the halves. */
const float8 = (name: KernelName, turn: Code): WasmFunction => ({
  name,
  parameters: ['i32', 'i32', 'i32', 'i32', 'f32'],
  locals: Array.from({ length: 16 }, () => 'v128' as const),
  body: [
    constants,
    set(factors, splatF32(get(factor))),
    loopBelow(source, get(sourceEnd), [
      bytes.map((local, index) => set(local, load(get(source), index * 16))),
      set(most, maxU8x16(and(get(bytes[0]), magnitudes8), and(get(bytes[1]), magnitudes8))),
      set(running, maxU8x16(get(running), get(most))),
      turn,
      set(source, add(get(source), i32(blockWeights))),
    ]),
    store(get(peak), get(running)),
  ],
});

const float8ToQ8 = float8('float8ToQ8', [
  // Rounding keeps the order: the largest byte is that of the largest product.
  [8, 4, 2, 1].map((by) => set(most, maxU8x16(get(most), pickBytesOfTwo(get(most), get(most), rotated(by))))),
  storeBlock(scaled(most, 0), (index) => scaled(bytes[index >> 2]!, index % 4)),
]);

/** Words of which only these halves are kept: f32 as bf16, and f16. */
const upperHalves = [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31];
const lowerHalves = upperHalves.map((place) => place - 2);

const float8ToBf16 = float8('float8ToBf16', inHalves(upperHalves, rounded));
const float8ToF16 = float8('float8ToF16', inHalves(lowerHalves, signedHalf));

const float8ToF32 = float8('float8ToF32', [
  [0, 1, 2, 3, 4, 5, 6, 7].map((index) =>
    store(add(get(target), i32(index * 16)), scaled(bytes[index >> 2]!, index % 4)),
  ),
  set(target, add(get(target), i32(blockWeights * 4))),
]);

/** A block of two bytes a weight at `target`, which goes on behind it. */
function inHalves(kept: readonly number[], round: (product: Code) => Code): Code {
  return [
    [0, 2, 4, 6].map((index) => [
      set(low, round(scaled(bytes[index >> 2]!, index % 4))),
      set(value, round(scaled(bytes[index >> 2]!, (index % 4) + 1))),
      store(add(get(target), i32(index * 8)), pickBytesOfTwo(get(low), get(value), kept)),
    ]),
    set(target, add(get(target), i32(blockWeights * 2))),
  ];
}

/** To the nearest bf16, ties to even, in the upper half of a word. */
function rounded(product: Code): Code {
  return [
    set(word, product),
    addI32x4(addI32x4(get(word), words(0x7fff)), and(shiftRightU32x4(get(word), 16), words(1))),
  ];
}

/** To the nearest f16 in the lower half of a word. */
function signedHalf(product: Code): Code {
  return [
    set(scale, product),
    set(most, shiftRightU32x4(and(get(scale), get(sign)), 16)),
    set(scale, and(get(scale), words(0x7fffffff))),
    or(halfOf(scale), get(most)),
  ];
}

/**
 * A quarter of sixteen numbers of 8 bits times the scale. Their exponents are moved to where f32 has them; those without one
 * get the least, and what that adds is taken away again.
 */
function scaled(local: number, quarter: number): Code {
  const places = [0, 1, 2, 3].flatMap((lane) => [0, 1, 2, 16 + quarter * 4 + lane]);
  const without = and(get(word), words(0x7fffffff));
  return [
    set(word, pickBytesOfTwo(get(zero), get(local), places)),
    set(value, shiftRightU32x4(without, 4)),
    set(tiny, lessI32x4(get(value), words(0x00800000))),
    set(value, addI32x4(get(value), addI32x4(words(0x3c000000), and(get(tiny), words(0x00800000))))),
    set(value, subtractF32x4(get(value), and(get(tiny), words(0x3c800000)))),
    or(multiplyF32x4(get(value), get(factors)), and(get(word), get(sign))),
  ];
}

/** A block of q8_0 at `target`, which goes on behind it. */
function storeBlock(largest: Code, weights: (index: number) => Code): Code {
  const quant = (index: number): Code => quantOf(weights(index));
  return [
    set(scale, divideF32x4(largest, floats(127))),
    set(inverse, divideF32x4(floats(1), get(scale))),
    // Of nothing but zeros, or where the inverse overflows, ggml's bytes are 0 as well.
    set(inverse, and(get(inverse), lessF32x4(get(inverse), words(0x7f800000)))),
    store16Lane(get(target), halfOf(scale), 0),
    store(add(get(target), i32(2)), narrow16(narrow32(quant(0), quant(1)), narrow32(quant(2), quant(3)))),
    store(add(get(target), i32(18)), narrow16(narrow32(quant(4), quant(5)), narrow32(quant(6), quant(7)))),
    set(target, add(get(target), i32(blockBytes))),
  ];
}

/** Without their signs. */
function abs(index: number): Code {
  return and(get(halves[index]!), get(magnitude));
}

/** Four of the weights of a block of bf16. */
function widened(index: number): Code {
  return pickBytesOfTwo(get(zero), get(halves[index >> 1]!), index % 2 === 0 ? widenLow : widenHigh);
}

/**
 * Four weights as numbers from -127 to 127. roundf goes away from 0 from a half on: the largest f32 below a half is added,
 * and the rest cut off. What 1.5 * 2^23 is added to is a whole number in its last bits.
 */
function quantOf(weights: Code): Code {
  return [
    set(value, multiplyF32x4(weights, get(inverse))),
    set(value, addF32x4(get(value), or(and(get(value), get(sign)), get(nearHalf)))),
    subtractI32x4(addF32x4(truncateF32x4(get(value)), get(magic)), get(magic)),
  ];
}

/** To the nearest f16, ties to even: fp16_ieee_from_fp32_value of ggml (and of its FP16 library) without a sign. */
function halfOf(local: number): Code {
  const base = multiplyF32x4(multiplyF32x4(get(local), floats(2 ** 112)), floats(2 ** -110));
  const bias = maxU32x4(and(shiftLeftI32x4(get(local), 1), words(0xff000000)), words(0x71000000));
  return [
    set(value, addF32x4(addI32x4(shiftRightU32x4(bias, 1), words(0x07800000)), base)),
    addI32x4(and(shiftRightU32x4(get(value), 13), words(0x7c00)), and(get(value), words(0xfff))),
  ];
}
