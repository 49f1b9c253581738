import {
  type Code,
  type WasmFunction,
  add,
  addF32x4,
  addF64,
  addF64x2,
  addI32x4,
  assembleModule,
  ceilF64x2,
  divideF64x2,
  doubles,
  floats,
  get,
  i32,
  laneF64,
  largerF32x4,
  load,
  load64,
  loopBelow,
  lowF32AsF64x2,
  multiplyF32x4,
  multiplyF64x2,
  pickWords,
  powersOfTwo,
  set,
  shiftLeftI32x4,
  smallerF32x4,
  smallerF64x2,
  splatF32,
  splatF32AsF64,
  store,
  store32Lane,
  storeF64,
  subtractF32x4,
  subtractF64x2,
  toI32x4,
  truncateF32x4,
} from '../base/wasm.ts';
import { coefficients, invLn2, ln2High, ln2Low } from './exponential.ts';

/** Logits of which `blockMaxima` finds the largest. */
export const blockLength = 256;

/**
 * Functions of byte addresses.
 *
 * `blockMaxima` (source, sourceEnd, target): the largest of each block of f32.
 * `exponentials` (source, sourceEnd, target, result, largest): of f32, `exponentialsAtOnce` at once, less `largest`, in f64:
 * the computation of `exponentials` in exponential.ts to the last bit, for arguments between its bounds and for 0. At
 * `result` stands their sum, added up in their order, and 16 bytes behind it two arguments of which one is the smallest.
 *
 * `masses` (source, sourceEnd, result, largest, cap): of whole blocks of f32, less `largest`, the exponentials within
 * `massError` of what they are. At `result` stands their sum in two parts of f64, and behind it that of the same, none of
 * them larger than `cap`.
 */
export interface LogitsKernel {
  blockMaxima(source: number, sourceEnd: number, target: number): void;
  exponentials(source: number, sourceEnd: number, target: number, result: number, largest: number): void;
  masses(source: number, sourceEnd: number, result: number, largest: number, cap: number): void;
}

/** As a share. */
export const massError = 5e-5;

/** Node has it, and its types for version 20 do not. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => { buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: unknown };
};

const pageBytes = 65_536;

export function logitsKernel(byteLength: number): { kernel: LogitsKernel; buffer: ArrayBuffer } {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(byteLength / pageBytes) });
  const module = new WebAssembly.Module(assembleModule([blockMaxima(), exponentials(), masses()]));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { kernel: exports as LogitsKernel, buffer: memory.buffer };
}

function blockMaxima(): WasmFunction {
  const [source, sourceEnd, target, blockEnd, running] = [0, 1, 2, 3, 4];
  const larger = (places: readonly number[]): Code =>
    largerF32x4(get(running), pickWords(get(running), get(running), places));
  return {
    name: 'blockMaxima',
    parameters: ['i32', 'i32', 'i32'],
    locals: ['i32', 'v128'],
    body: loopBelow(source, get(sourceEnd), [
      set(running, floats(-Infinity)),
      set(blockEnd, add(get(source), i32(blockLength * 4))),
      loopBelow(source, get(blockEnd), [
        [0, 16, 32, 48].map((offset) => set(running, largerF32x4(get(running), load(get(source), offset)))),
        set(source, add(get(source), i32(64))),
      ]),
      set(running, larger([2, 3, 0, 1])),
      set(running, larger([1, 0, 3, 2])),
      store32Lane(get(target), get(running), 0),
      set(target, add(get(target), i32(4))),
    ]),
  };
}

/** Two logits each: those of one round of the loop. What goes from round to round may lie in memory, which is slow. */
const pairs = [0, 1] as const;
export const exponentialsAtOnce = 2 * pairs.length;

function exponentials(): WasmFunction {
  const [source, sourceEnd, target, result, largest, sum] = [0, 1, 2, 3, 4, 5];
  const [smallest, top, value, whole, high, low, rest, square, c, weight] = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
  const pair = (index: number): Code => [
    set(value, subtractF64x2(lowF32AsF64x2(load64(get(source), index * 8)), get(top))),
    set(smallest, smallerF64x2(get(smallest), get(value))),
    // Of what is not above 0 the least whole number that is not below it is that without its fraction.
    set(whole, ceilF64x2(subtractF64x2(multiplyF64x2(get(value), doubles(invLn2)), doubles(0.5)))),
    set(high, subtractF64x2(get(value), multiplyF64x2(get(whole), doubles(ln2High)))),
    set(low, multiplyF64x2(get(whole), doubles(ln2Low))),
    set(rest, subtractF64x2(get(high), get(low))),
    set(square, multiplyF64x2(get(rest), get(rest))),
    set(c, subtractF64x2(get(rest), multiplyF64x2(get(square), polynomial(get(square))))),
    set(c, divideF64x2(multiplyF64x2(get(rest), get(c)), subtractF64x2(doubles(2), get(c)))),
    set(weight, subtractF64x2(doubles(1), subtractF64x2(subtractF64x2(get(low), get(c)), get(high)))),
    set(weight, multiplyF64x2(get(weight), powersOfTwo(get(whole)))),
    store(add(get(target), i32(index * 16)), get(weight)),
    set(sum, addF64(addF64(get(sum), laneF64(get(weight), 0)), laneF64(get(weight), 1))),
  ];
  return {
    name: 'exponentials',
    parameters: ['i32', 'i32', 'i32', 'i32', 'f32'],
    locals: ['f64', ...Array.from({ length: 10 }, () => 'v128' as const)],
    body: [
      set(smallest, doubles(0)),
      set(top, splatF32AsF64(get(largest))),
      loopBelow(source, get(sourceEnd), [
        pairs.map(pair),
        set(source, add(get(source), i32(8 * pairs.length))),
        set(target, add(get(target), i32(16 * pairs.length))),
      ]),
      storeF64(get(result), get(sum)),
      store(add(get(result), i32(16)), get(smallest)),
    ],
  };
}

/** Least squares of 2^x over -1 to 0, by relative error: 3e-6 off at most. */
const powerCoefficients = [0.999997332, 0.693028153, 0.239331699, 0.0530599208, 0.0067603016] as const;
/** Smaller ones are nearly nothing, and their exponents have no place in f32. */
const leastExponent = -125;

function masses(): WasmFunction {
  const [source, sourceEnd, result, largest, cap, blockEnd] = [0, 1, 2, 3, 4, 5];
  const [top, most, exponent, whole, fraction, mass] = [6, 7, 8, 9, 10, 11];
  const [blockSum, blockCapped, sum, capped] = [12, 13, 14, 15];
  const addBlock = (total: number, block: number): Code => [
    set(total, addF64x2(get(total), lowF32AsF64x2(get(block)))),
    set(total, addF64x2(get(total), lowF32AsF64x2(pickWords(get(block), get(block), [2, 3, 2, 3])))),
  ];
  return {
    name: 'masses',
    parameters: ['i32', 'i32', 'i32', 'f32', 'f32'],
    locals: ['i32', ...Array.from({ length: 10 }, () => 'v128' as const)],
    body: [
      set(top, splatF32(get(largest))),
      set(most, splatF32(get(cap))),
      loopBelow(source, get(sourceEnd), [
        set(blockEnd, add(get(source), i32(blockLength * 4))),
        set(blockSum, floats(0)),
        set(blockCapped, floats(0)),
        loopBelow(source, get(blockEnd), [
          set(exponent, multiplyF32x4(subtractF32x4(load(get(source), 0), get(top)), floats(Math.LOG2E))),
          set(exponent, largerF32x4(floats(leastExponent), get(exponent))),
          set(whole, truncateF32x4(get(exponent))),
          set(fraction, subtractF32x4(get(exponent), get(whole))),
          set(mass, powerOfTwo(get(fraction))),
          set(mass, addI32x4(get(mass), shiftLeftI32x4(toI32x4(get(whole)), 23))),
          set(blockSum, addF32x4(get(blockSum), get(mass))),
          set(blockCapped, addF32x4(get(blockCapped), smallerF32x4(get(mass), get(most)))),
          set(source, add(get(source), i32(16))),
        ]),
        addBlock(sum, blockSum),
        addBlock(capped, blockCapped),
      ]),
      store(get(result), get(sum)),
      store(add(get(result), i32(16)), get(capped)),
    ],
  };
}

/** 2 to the power of four numbers between -1 and 0. */
function powerOfTwo(fraction: Code): Code {
  return powerCoefficients
    .slice(0, -1)
    .reduceRight<Code>(
      (inner, coefficient) => addF32x4(multiplyF32x4(inner, fraction), floats(coefficient)),
      floats(powerCoefficients.at(-1)!),
    );
}

/** p1 + square * (p2 + square * (p3 + ...)) */
function polynomial(square: Code): Code {
  return coefficients
    .slice(0, -1)
    .reduceRight<Code>(
      (inner, coefficient) => addF64x2(doubles(coefficient), multiplyF64x2(square, inner)),
      doubles(coefficients.at(-1)!),
    );
}
