import {
  type Code,
  type WasmFunction,
  add,
  addF64,
  addF64x2,
  assembleModule,
  divideF64x2,
  doubles,
  floats,
  get,
  i32,
  laneF64,
  largerF32x4,
  lessF64x2,
  load,
  load64,
  loopBelow,
  lowF32AsF64x2,
  lowI32AsF64x2,
  multiplyF64x2,
  negateF64x2,
  not,
  or,
  pickWords,
  powersOfTwo,
  select,
  set,
  splatF32AsF64,
  store,
  store32Lane,
  storeF64,
  subtractF64x2,
  truncateF64x2,
  words,
} from '../base/wasm.ts';
import { coefficients, invLn2, ln2High, ln2Low, least, most } from './exponential.ts';

/** Logits of which `blockMaxima` finds the largest. */
export const blockLength = 256;

/**
 * Functions of byte addresses.
 *
 * `blockMaxima` (source, sourceEnd, target): the largest of each block of f32.
 * `exponentials` (source, sourceEnd, target, result, largest): of an even count of f32, less `largest`, in f64, two at once:
 * the computation of `exponentials` in exponential.ts to the last bit. At `result` stands their sum, added up in their order,
 * and 16 bytes behind it zeros, or something else where a value was one that has to be computed otherwise.
 */
export interface LogitsKernel {
  blockMaxima(source: number, sourceEnd: number, target: number): void;
  exponentials(source: number, sourceEnd: number, target: number, result: number, largest: number): void;
}

/** Node has it, and its types for version 20 do not. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => { buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: unknown };
};

const pageBytes = 65_536;

export function logitsKernel(byteLength: number): { kernel: LogitsKernel; buffer: ArrayBuffer } {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(byteLength / pageBytes) });
  const module = new WebAssembly.Module(assembleModule([blockMaxima(), exponentials()]));
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

function exponentials(): WasmFunction {
  const [source, sourceEnd, target, result, largest, sum] = [0, 1, 2, 3, 4, 5];
  const [others, top, value, halves, high, low, rest, square, c, weight] = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
  return {
    name: 'exponentials',
    parameters: ['i32', 'i32', 'i32', 'i32', 'f32'],
    locals: ['f64', ...Array.from({ length: 10 }, () => 'v128' as const)],
    body: [
      set(others, words(0)),
      set(top, splatF32AsF64(get(largest))),
      loopBelow(source, get(sourceEnd), [
        set(value, subtractF64x2(lowF32AsF64x2(load64(get(source), 0)), get(top))),
        set(others, or(get(others), not(lessF64x2(doubles(least), get(value))))),
        set(halves, truncateF64x2(subtractF64x2(multiplyF64x2(get(value), doubles(invLn2)), doubles(0.5)))),
        set(low, lowI32AsF64x2(get(halves))),
        set(high, addF64x2(get(value), multiplyF64x2(negateF64x2(get(low)), doubles(ln2High)))),
        set(low, multiplyF64x2(get(low), doubles(ln2Low))),
        set(rest, subtractF64x2(get(high), get(low))),
        set(square, multiplyF64x2(get(rest), get(rest))),
        set(c, subtractF64x2(get(rest), multiplyF64x2(get(square), polynomial(get(square))))),
        set(c, divideF64x2(multiplyF64x2(get(rest), get(c)), subtractF64x2(doubles(2), get(c)))),
        set(weight, subtractF64x2(doubles(1), subtractF64x2(subtractF64x2(get(low), get(c)), get(high)))),
        set(weight, multiplyF64x2(get(weight), powersOfTwo(get(halves)))),
        // So near to 1 that it is 1 and the value.
        set(weight, select(lessF64x2(get(value), doubles(most)), get(weight), addF64x2(doubles(1), get(value)))),
        store(get(target), get(weight)),
        set(sum, addF64(addF64(get(sum), laneF64(get(weight), 0)), laneF64(get(weight), 1))),
        set(source, add(get(source), i32(8))),
        set(target, add(get(target), i32(16))),
      ]),
      storeF64(get(result), get(sum)),
      store(add(get(result), i32(16)), get(others)),
    ],
  };
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
