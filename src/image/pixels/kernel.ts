import {
  type Code,
  type WasmFunction,
  add,
  addF32x4,
  assembleModule,
  extendHigh16,
  extendHigh8,
  extendLow16,
  extendLow8,
  get,
  i32,
  load,
  load32Splat,
  loopBelow,
  multiply,
  multiplyF32x4,
  pickBytes,
  set,
  store,
  store32Lane,
  toF32x4,
} from './wasm.ts';

/** The inner loops of the resize. All arguments are byte addresses in the kernel's memory, except where said. */
export interface Kernel {
  memory: { buffer: ArrayBuffer };
  /**
   * One source line [width, 4] of bytes -> `target` [columns, 4] floats. `starts` [columns] holds the byte offset of
   * the first of four neighbours in the line, `weights` [columns, 4] their weights.
   */
  across(line: number, starts: number, weights: number, target: number, targetEnd: number): void;
  /** The same of a source line [width, 3]; four bytes behind it are read too. */
  acrossRgb(line: number, starts: number, weights: number, target: number, targetEnd: number): void;
  /**
   * Four lines [width, 4] of floats blended by `weights` [4], times `scale` [4] plus `shift` [4], scattered into the
   * patches of one patch row: `target` is this line's place in the first patch. The lengths are in bytes: of a line's
   * part within a patch, of one channel of a patch, of a whole patch.
   */
  down(
    line0: number,
    line1: number,
    line2: number,
    line3: number,
    line0End: number,
    weights: number,
    scaleAndShift: number,
    target: number,
    partLength: number,
    channelLength: number,
    patchLength: number,
  ): void;
}

/** Kept, because V8 optimises it while it runs: every page would begin with slow code again. */
let compiled: object | undefined;

/** @param byteLength how much memory the caller will use */
export function createKernel(byteLength: number): Kernel {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(byteLength / 65_536) });
  compiled ??= new WebAssembly.Module(
    assembleModule([across('across', (four) => four), across('acrossRgb', spread), down()]),
  );
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return {
    memory,
    across: exported(exports, 'across'),
    acrossRgb: exported(exports, 'acrossRgb'),
    down: exported(exports, 'down'),
  };
}

/** Node has it, and its types for version 20 do not. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => { buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: object,
  ) => { exports: Record<string, ((...values: number[]) => void) | undefined> };
};

function exported(
  exports: Record<string, ((...values: number[]) => void) | undefined>,
  name: string,
): (...values: number[]) => void {
  const found = exports[name];
  if (!found) throw new TypeError(`the kernel lacks ${name}`);
  return found;
}

/** Four pixels of three bytes as four of four, the last of each without meaning. */
const spread = (pixels: Code): Code => pickBytes(pixels, [0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0]);

/** @param asFours what makes four pixels of four bytes of the sixteen bytes at the first of them */
function across(name: string, asFours: (pixels: Code) => Code): WasmFunction {
  const [line, starts, weights, target, targetEnd, four, low, high] = [0, 1, 2, 3, 4, 5, 6, 7];
  const pixel = (tap: number): Code => {
    const half = get(tap < 2 ? low : high);
    return toF32x4(tap % 2 === 0 ? extendLow16(half) : extendHigh16(half));
  };
  const term = (tap: number): Code => multiplyF32x4(pixel(tap), load32Splat(get(weights), tap * 4));
  return {
    name,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['v128', 'v128', 'v128'],
    body: loopBelow(target, get(targetEnd), [
      set(four, load(add(get(line), loadI32(get(starts))), 0)),
      set(four, asFours(get(four))),
      set(low, extendLow8(get(four))),
      set(high, extendHigh8(get(four))),
      store(get(target), addF32x4(addF32x4(addF32x4(term(0), term(1)), term(2)), term(3))),
      set(starts, add(get(starts), i32(4))),
      set(weights, add(get(weights), i32(16))),
      set(target, add(get(target), i32(16))),
    ]),
  };
}

function down(): WasmFunction {
  const [line0, line0End, weights, scaleAndShift, target, partLength, channelLength, patchLength] = [
    0, 4, 5, 6, 7, 8, 9, 10,
  ];
  const [place, placeEnd, pixel, scale, shift, weight0] = [11, 12, 13, 14, 15, 16];
  const term = (tap: number): Code => multiplyF32x4(load(get(line0 + tap), 0), get(weight0 + tap));
  const channel = (index: number): Code => add(get(place), multiply(get(channelLength), i32(index)));
  return {
    name: 'down',
    parameters: Array.from({ length: 11 }, () => 'i32' as const),
    locals: ['i32', 'i32', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128'],
    body: [
      set(scale, load(get(scaleAndShift), 0)),
      set(shift, load(get(scaleAndShift), 16)),
      [0, 1, 2, 3].map((tap) => set(weight0 + tap, load32Splat(get(weights), tap * 4))),
      loopBelow(line0, get(line0End), [
        set(place, get(target)),
        set(placeEnd, add(get(target), get(partLength))),
        loopBelow(place, get(placeEnd), [
          set(
            pixel,
            addF32x4(
              multiplyF32x4(addF32x4(addF32x4(addF32x4(term(0), term(1)), term(2)), term(3)), get(scale)),
              get(shift),
            ),
          ),
          [0, 1, 2].map((index) => store32Lane(channel(index), get(pixel), index)),
          [0, 1, 2, 3].map((tap) => set(line0 + tap, add(get(line0 + tap), i32(16)))),
          set(place, add(get(place), i32(4))),
        ]),
        set(target, add(get(target), get(patchLength))),
      ]),
    ],
  };
}

function loadI32(address: Code): Code {
  return [address, 0x28, 0, 0];
}
