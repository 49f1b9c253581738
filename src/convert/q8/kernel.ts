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
  load,
  loopBelow,
  maxI16x8,
  maxU32x4,
  multiplyF32x4,
  narrow16,
  narrow32,
  or,
  pickBytesOfTwo,
  set,
  shiftLeftI32x4,
  shiftRightU32x4,
  store,
  store16Lane,
  subtractI32x4,
  truncateF32x4,
  words,
} from '../../base/wasm.ts';

/** Weights and bytes of a block: a scale in f16, then a byte each. */
const blockWeights = 32;
const blockBytes = 34;

/**
 * `quantize(source, sourceEnd, target, peak)`, byte addresses: whole blocks of bf16 become blocks of q8_0, to the bit
 * those of ggml's quantize_row_q8_0_ref, and at `peak` stand eight magnitudes as bf16 of which the largest is that of all
 * weights. Four lanes at once are eleven times as fast as libggml-base, which calls roundf for each weight.
 */
export function q8Module(pages: SharedPages): Uint8Array<ArrayBuffer> {
  return assembleModule([quantizeBf16], pages);
}

const [source, sourceEnd, target, peak] = [0, 1, 2, 3];
const halves = [4, 5, 6, 7] as const;
const [running, most, scale, inverse, value] = [8, 9, 10, 11, 12];
const [zero, magnitude, sign, nearHalf, magic] = [13, 14, 15, 16, 17];

const rotated = (by: number): number[] => Array.from({ length: 16 }, (_, index) => (index + by) % 16);
/** Parts of 16 bits as the upper halves of 32: bf16 as f32. */
const widenLow = [0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23];
const widenHigh = [8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31];

const quantizeBf16: WasmFunction = {
  name: 'quantize',
  parameters: ['i32', 'i32', 'i32', 'i32'],
  locals: Array.from({ length: 14 }, () => 'v128' as const),
  body: [
    set(running, words(0)),
    set(zero, words(0)),
    set(magnitude, words(0x7fff7fff)),
    set(sign, words(0x80000000)),
    set(nearHalf, words(0x3effffff)),
    set(magic, words(0x4b400000)),
    loopBelow(source, get(sourceEnd), [
      halves.map((local, index) => set(local, load(get(source), index * 16))),
      set(most, maxI16x8(maxI16x8(abs(0), abs(1)), maxI16x8(abs(2), abs(3)))),
      set(running, maxI16x8(get(running), get(most))),
      [8, 4, 2].map((by) => set(most, maxI16x8(get(most), pickBytesOfTwo(get(most), get(most), rotated(by))))),
      set(scale, divideF32x4(pickBytesOfTwo(get(zero), get(most), widenLow), floats(127))),
      set(inverse, divideF32x4(floats(1), get(scale))),
      // Of nothing but zeros, or where the inverse overflows, ggml's bytes are 0 as well.
      set(inverse, and(get(inverse), lessF32x4(get(inverse), words(0x7f800000)))),
      store16Lane(get(target), halfOf(scale), 0),
      store(add(get(target), i32(2)), narrow16(narrow32(quant(0), quant(1)), narrow32(quant(2), quant(3)))),
      store(add(get(target), i32(18)), narrow16(narrow32(quant(4), quant(5)), narrow32(quant(6), quant(7)))),
      set(source, add(get(source), i32(blockWeights * 2))),
      set(target, add(get(target), i32(blockBytes))),
    ]),
    store(get(peak), get(running)),
  ],
};

/** Without their signs. */
function abs(index: number): Code {
  return and(get(halves[index]!), get(magnitude));
}

/**
 * Four weights as numbers from -127 to 127. roundf goes away from 0 from a half on: the largest f32 below a half is added,
 * and the rest cut off. What 1.5 * 2^23 is added to is a whole number in its last bits.
 */
function quant(index: number): Code {
  const widened = pickBytesOfTwo(get(zero), get(halves[index >> 1]!), index % 2 === 0 ? widenLow : widenHigh);
  return [
    set(value, multiplyF32x4(widened, get(inverse))),
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
