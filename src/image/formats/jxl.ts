import { boxesIn } from './boxes.ts';
import { damaged, notRead } from './damaged.ts';
import { type OpenRequest, type Opened, type Size, ascii, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import { decodeWithSkia, upright } from './skia.ts';

const boxed = '\0\0\0\x0cJXL \r\n\x87\n';

/** JPEG XL, bare or in boxes. */
export function isJxl(bytes: Uint8Array): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0x0a) || ascii(bytes, 0, 12) === boxed;
}

/** The decoder turns it upright and converts its colours to sRGB. */
export function openJxl({ bytes, name }: OpenRequest): Opened {
  const header = readHeader(bytes);
  if (!header) throw damaged(name, 'JPEG XL', 'has no picture in it');
  checkSize(header.size, name);
  if (header.hasBlack) throw notRead(name, 'JPEG XL', 'has the inks of a press (CMYK)', 'save it anew in RGB');
  return {
    pageCount: 1,
    async page() {
      const image = await decodeWithSkia(bytes).catch((thrown: unknown) => {
        throw damaged(name, 'JPEG XL', thrown);
      });
      const warnings = warningsOf(header);
      return { ...upright(image, 1), ...(warnings.length > 0 && { warnings }) };
    },
  };
}

function warningsOf({ animated, transfer }: Header): string[] {
  const light = transfer === undefined ? undefined : brighter[transfer];
  return [
    ...(animated ? ['it is a film, of which the first picture is shown'] : []),
    ...(light ? [`its light (${light}) is brighter than a screen's: what is beyond white is shown as white`] : []),
  ];
}

/** Transfer functions by their numbers in ISO/IEC 23091-2. */
const brighter: Readonly<Record<number, string>> = { 16: 'PQ', 18: 'HLG' };

interface Header {
  size: Size;
  animated: boolean;
  /** A plate of black beside three of colours: the decoder leaves it out, and takes inks for light. */
  hasBlack: boolean;
  /** How numbers stand for light, unless a profile says it. */
  transfer?: number | undefined;
}

/** Source: ISO/IEC 18181-1, annexes A and D */
function readHeader(bytes: Uint8Array): Header | undefined {
  const stream = codestream(bytes);
  if (!stream || stream[0] !== 0xff || stream[1] !== 0x0a) return undefined;
  const bits = bitReader(stream.subarray(2));
  const size = readSize(bits);
  const allDefault = bits(1) === 1;
  if (allDefault) return { size, animated: false, hasBlack: false };
  let animated = false;
  if (bits(1) === 1) {
    bits(3); // orientation
    if (bits(1) === 1) readSize(bits); // the size that it should be shown in
    if (bits(1) === 1) skipPreview(bits);
    animated = bits(1) === 1;
    if (animated) skipAnimation(bits);
  }
  const hasBlack = extraChannels(bits).includes(black);
  bits(1); // coded as the eye sees colours
  return { size, animated, hasBlack, transfer: transferFunction(bits) };
}

const grey = 1;
const custom = 2;

function transferFunction(bits: Bits): number | undefined {
  if (bits(1) === 1) return undefined; // sRGB
  const hasProfile = bits(1) === 1;
  const space = numbered(bits);
  if (hasProfile || space > grey) return undefined;
  if (numbered(bits) === custom) skipChromaticities(bits, 1);
  if (space !== grey && numbered(bits) === custom) skipChromaticities(bits, 3);
  return bits(1) === 1 ? undefined : numbered(bits); // a power
}

function numbered(bits: Bits): number {
  return choose(bits, [0, 1, [2, 4], [18, 6]]);
}

function skipChromaticities(bits: Bits, count: number): void {
  const part: Choice = [0, 19];
  for (let value = 0; value < count * 2; value++) choose(bits, [part, [2 ** 19, 19], [2 ** 20, 20], [2 ** 21, 21]]);
}

type Bits = (count: number) => number;
/** What two bits stand for: a number, or one of so many bits more than a least. */
type Choice = number | readonly [least: number, bits: number];

function choose(bits: Bits, choices: readonly [Choice, Choice, Choice, Choice]): number {
  const choice = choices[bits(2)]!;
  return typeof choice === 'number' ? choice : choice[0] + bits(choice[1]);
}

function skipPreview(bits: Bits): void {
  const isInEights = bits(1) === 1;
  const side = (): number =>
    choose(
      bits,
      isInEights
        ? [16, 32, [1, 5], [33, 9]]
        : [
            [1, 6],
            [65, 8],
            [321, 10],
            [1345, 12],
          ],
    );
  side();
  if (bits(3) === 0) side();
}

function skipAnimation(bits: Bits): void {
  choose(bits, [100, 1000, [1, 10], [1, 30]]);
  choose(bits, [1, 1001, [1, 8], [1, 10]]);
  choose(bits, [0, [0, 3], [0, 16], [0, 32]]);
  bits(1); // time codes
}

/** Kinds of extra channels. */
const opacity = 0;
const spotInk = 2;
const black = 4;
const filterArray = 5;

function extraChannels(bits: Bits): number[] {
  skipDepth(bits);
  bits(1); // buffers of 16 bits will do
  const count = choose(bits, [0, 1, [2, 4], [1, 12]]);
  return Array.from({ length: count }, () => extraChannel(bits));
}

function extraChannel(bits: Bits): number {
  if (bits(1) === 1) return opacity;
  const kind = numbered(bits);
  skipDepth(bits);
  choose(bits, [0, 3, 4, [1, 3]]); // how much smaller it is
  const nameLength = choose(bits, [0, [0, 4], [16, 5], [48, 10]]);
  for (let byte = 0; byte < nameLength; byte++) bits(8);
  if (kind === opacity) bits(1);
  if (kind === spotInk) bits(64);
  if (kind === filterArray) choose(bits, [1, [0, 2], [3, 4], [19, 8]]);
  return kind;
}

function skipDepth(bits: Bits): void {
  const isFloat = bits(1) === 1;
  choose(bits, isFloat ? [32, 16, 24, [1, 6]] : [8, 10, 12, [1, 6]]);
  if (isFloat) bits(4);
}

function codestream(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[0] === 0xff) return bytes;
  for (const { type, start, end } of boxesIn(bytes, 0, bytes.byteLength)) {
    if (type === 'jxlc') return bytes.subarray(start, end);
    if (type === 'jxlp') return bytes.subarray(start + 4, end);
  }
  return undefined;
}

function readSize(bits: Bits): Size {
  const isSmall = bits(1) === 1;
  const side = (): number => (isSmall ? (bits(5) + 1) * 8 : bits([9, 13, 18, 30][bits(2)]!) + 1);
  const height = side();
  const ratio = ratios[bits(3)];
  return { width: ratio ? Math.floor((height * ratio[0]) / ratio[1]) : side(), height };
}

const ratios: readonly (readonly [number, number] | undefined)[] = [
  undefined,
  [1, 1],
  [12, 10],
  [4, 3],
  [3, 2],
  [16, 9],
  [5, 4],
  [2, 1],
];

/** The lowest bit first; 0 behind the end. */
function bitReader(bytes: Uint8Array): Bits {
  const view = viewOf(bytes);
  let at = 0;
  return (count) => {
    let value = 0;
    for (let bit = 0; bit < count; bit++, at++) {
      const byte = at >> 3 < view.byteLength ? view.getUint8(at >> 3) : 0;
      value += ((byte >> (at & 7)) & 1) * 2 ** bit;
    }
    return value;
  };
}
