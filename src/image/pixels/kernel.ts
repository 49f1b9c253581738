import {
  type Code,
  type WasmFunction,
  add,
  addF32x4,
  addF64x2,
  assembleModule,
  countZeros,
  doubles,
  get,
  i32,
  load,
  load32Splat,
  loopBelow,
  lowF32AsF64x2,
  multiply,
  multiplyF32x4,
  multiplyF64x2,
  narrow16ToBytes,
  narrow32,
  pickBytes,
  pickBytesOrZeros,
  pickWords,
  set,
  store,
  store32Lane,
  storeI32,
  subtractI8x16,
  toF32x4,
  truncateF64x2,
  words,
} from '../../base/wasm.ts';
import { deviation, mean } from './patches.ts';

/** The inner loops of the resize and of what becomes of it. All arguments are byte addresses in the kernel's memory, except where said. */
export interface Kernel {
  /** Its memory, of at least so many bytes; what was handed out before is not to be used any more. */
  memory(byteLength: number): ArrayBuffer;
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
  /** The same for patches whose side is a multiple of four, in a third of the time. */
  downFours: Kernel['down'];
  /**
   * One line of patches, from `source` in the first of them, as whole steps of 0 to 255: `target` [columns, 3] bytes.
   * Up to 16 bytes behind its end are written too. The lengths are those of `down`, and of a part in bytes of `target`.
   */
  seen(
    source: number,
    target: number,
    targetEnd: number,
    partLength: number,
    channelLength: number,
    patchLength: number,
    targetPartLength: number,
  ): void;
  /** `bytes` less those at `above`, in steps of 16 up to `bytesEnd`; how many are 0 at `unchanged` (32 bits). */
  differences(bytes: number, bytesEnd: number, above: number, target: number, unchanged: number): void;
}

/** Kept, because V8 optimises it while it runs: every page would begin with slow code again. */
let compiled: object | undefined;

const pageBytes = 65_536;

/** For one picture after the other: V8 collects all garbage for each new memory, which takes longer than a picture. */
export function createKernel(): Kernel {
  const memory = new WebAssembly.Memory({ initial: 1 });
  compiled ??= new WebAssembly.Module(
    assembleModule([
      across('across', 4),
      across('acrossRgb', 3),
      down('down', onePixel),
      down('downFours', fourPixels),
      seen(),
      differences(),
    ]),
  );
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return {
    memory(byteLength) {
      const lacking = Math.ceil((byteLength - memory.buffer.byteLength) / pageBytes);
      if (lacking > 0) memory.grow(lacking);
      return memory.buffer;
    },
    across: exported(exports, 'across'),
    acrossRgb: exported(exports, 'acrossRgb'),
    down: exported(exports, 'down'),
    downFours: exported(exports, 'downFours'),
    seen: exported(exports, 'seen'),
    differences: exported(exports, 'differences'),
  };
}

/** Node has it, and its types for version 20 do not. */
declare const WebAssembly: {
  Memory: new (size: { initial: number }) => { buffer: ArrayBuffer; grow(pages: number): number };
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

/** @param pixelBytes of which the first three count */
function across(name: string, pixelBytes: 3 | 4): WasmFunction {
  const [line, starts, weights, target, targetEnd, four] = [0, 1, 2, 3, 4, 5];
  const pixel = (tap: number): Code => {
    const [red, none] = [tap * pixelBytes, undefined];
    const channels = [red, red + 1, red + 2, none].flatMap((place) => [place, none, none, none]);
    return toF32x4(pickBytesOrZeros(get(four), channels));
  };
  const term = (tap: number): Code => multiplyF32x4(pixel(tap), load32Splat(get(weights), tap * 4));
  return {
    name,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['v128'],
    body: loopBelow(target, get(targetEnd), [
      set(four, load(add(get(line), loadI32(get(starts))), 0)),
      store(get(target), addF32x4(addF32x4(addF32x4(term(0), term(1)), term(2)), term(3))),
      set(starts, add(get(starts), i32(4))),
      set(weights, add(get(weights), i32(16))),
      set(target, add(get(target), i32(16))),
    ]),
  };
}

/** Pixels that are put into their patches together: their number, and how one after another is computed and stored. */
interface Step {
  pixels: number;
  body: (pixel: (index: number) => Code, channel: (index: number) => Code) => Code;
}

/** Locals for what is between pixels and channels, behind all others. */
const spare = [19, 20, 21, 22] as const;

const onePixel: Step = {
  pixels: 1,
  body: (pixel, channel) => [
    set(spare[0], pixel(0)),
    [0, 1, 2].map((index) => store32Lane(channel(index), get(spare[0]), index)),
  ],
};

/** Four times red, green and blue become four of each. */
const fourPixels: Step = {
  pixels: 4,
  body: (pixel, channel) => {
    const [p0, p1, p2, p3] = spare.map((local) => get(local)) as [Code, Code, Code, Code];
    const both = (places: readonly number[], from: readonly number[]): Code =>
      pickWords(pickWords(p0, p1, places), pickWords(p2, p3, places), from);
    return [
      spare.map((local, index) => set(local, pixel(index))),
      store(channel(0), both([0, 4, 1, 5], [0, 1, 4, 5])),
      store(channel(1), both([0, 4, 1, 5], [2, 3, 6, 7])),
      store(channel(2), both([2, 6, 2, 6], [0, 1, 4, 5])),
    ];
  },
};

function down(name: string, { pixels, body }: Step): WasmFunction {
  const [line0, line0End, weights, scaleAndShift, target, partLength, channelLength, patchLength] = [
    0, 4, 5, 6, 7, 8, 9, 10,
  ];
  const [place, placeEnd, scale, shift, weight0] = [11, 12, 13, 14, 15];
  const term = (tap: number, pixel: number): Code =>
    multiplyF32x4(load(get(line0 + tap), pixel * 16), get(weight0 + tap));
  const blended = (pixel: number): Code =>
    addF32x4(addF32x4(addF32x4(term(0, pixel), term(1, pixel)), term(2, pixel)), term(3, pixel));
  const channel = (index: number): Code => add(get(place), multiply(get(channelLength), i32(index)));
  return {
    name,
    parameters: Array.from({ length: 11 }, () => 'i32' as const),
    locals: ['i32', 'i32', ...Array.from({ length: 10 }, () => 'v128' as const)],
    body: [
      set(scale, load(get(scaleAndShift), 0)),
      set(shift, load(get(scaleAndShift), 16)),
      [0, 1, 2, 3].map((tap) => set(weight0 + tap, load32Splat(get(weights), tap * 4))),
      loopBelow(line0, get(line0End), [
        set(place, get(target)),
        set(placeEnd, add(get(target), get(partLength))),
        loopBelow(place, get(placeEnd), [
          body((pixel) => addF32x4(multiplyF32x4(blended(pixel), get(scale)), get(shift)), channel),
          [0, 1, 2, 3].map((tap) => set(line0 + tap, add(get(line0 + tap), i32(16 * pixels)))),
          set(place, add(get(place), i32(4 * pixels))),
        ]),
        set(target, add(get(target), get(patchLength))),
      ]),
    ],
  };
}

/** In steps of four pixels: what is too much of a patch is written over by the next, that of a line by the next line. */
function seen(): WasmFunction {
  const [source, target, targetEnd, partLength, channelLength, patchLength, targetPartLength] = [0, 1, 2, 3, 4, 5, 6];
  const [place, placeEnd, to, four] = [7, 8, 9, 10];
  const steps = (values: Code, channel: number): Code => {
    const scaled = multiplyF64x2(lowF32AsF64x2(values), doubles(deviation[channel]! * 255));
    return truncateF64x2(addF64x2(addF64x2(scaled, doubles(mean[channel]! * 255)), doubles(0.5)));
  };
  const channel = (index: number): Code => [
    set(four, load(add(get(place), multiply(get(channelLength), i32(index))), 0)),
    pickWords(steps(get(four), index), steps(pickWords(get(four), get(four), [2, 3, 2, 3]), index), [0, 1, 4, 5]),
  ];
  const bytes = narrow16ToBytes(narrow32(channel(0), channel(1)), narrow32(channel(2), words(0)));
  return {
    name: 'seen',
    parameters: Array.from({ length: 7 }, () => 'i32' as const),
    locals: ['i32', 'i32', 'i32', 'v128'],
    body: loopBelow(target, get(targetEnd), [
      set(place, get(source)),
      set(placeEnd, add(get(source), get(partLength))),
      set(to, get(target)),
      loopBelow(place, get(placeEnd), [
        set(four, bytes),
        store(get(to), pickBytes(get(four), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 12, 13, 14, 15])),
        set(place, add(get(place), i32(16))),
        set(to, add(get(to), i32(12))),
      ]),
      set(source, add(get(source), get(patchLength))),
      set(target, add(get(target), get(targetPartLength))),
    ]),
  };
}

function differences(): WasmFunction {
  const [bytes, bytesEnd, above, target, unchanged, count, difference] = [0, 1, 2, 3, 4, 5, 6];
  return {
    name: 'differences',
    parameters: Array.from({ length: 5 }, () => 'i32' as const),
    locals: ['i32', 'v128'],
    body: [
      loopBelow(bytes, get(bytesEnd), [
        set(difference, subtractI8x16(load(get(bytes), 0), load(get(above), 0))),
        store(get(target), get(difference)),
        set(count, add(get(count), countZeros(get(difference)))),
        [bytes, above, target].map((place) => set(place, add(get(place), i32(16)))),
      ]),
      storeI32(get(unchanged), get(count)),
    ],
  };
}

function loadI32(address: Code): Code {
  return [address, 0x28, 0, 0];
}
