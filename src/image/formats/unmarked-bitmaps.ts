import { viewOf } from './opened.ts';

/** Bitmaps that begin with no mark: they are told by whether their numbers fit each other. Only for what nothing else is. */
export const unmarkedBitmaps: readonly { test: (bytes: Uint8Array) => boolean; is: string; remedy: Remedy }[] = [
  { test: isWbmp, is: 'a WBMP picture', remedy: (name) => magick('wbmp', name) },
  { test: isOtb, is: "a picture of Nokia's (OTB)", remedy: (name) => magick('otb', name) },
  { test: isPalm, is: 'a picture of Palm OS', remedy: (name) => magick('palm', name) },
  { test: isRgf, is: 'a picture of LEGO bricks (RGF)', remedy: (name) => magick('rgf', name) },
  { test: isJbig, is: 'a JBIG picture', remedy: (name) => `jbgtopbm ${name} picture.pbm` },
  { test: isGroup3, is: 'a fax without a TIFF around it (G3)', remedy: (name) => fax('-3', name) },
  { test: isGroup4, is: 'a fax without a TIFF around it (G4)', remedy: (name) => fax('-4', name) },
];

type Remedy = (name: string) => string;
const magick = (format: string, name: string): string => `magick ${format}:${name} picture.png`;
const fax = (kind: string, name: string): string => `fax2tiff ${kind} -o picture.tif ${name}`;

/** Source: WAP-237-WAEMT, Wireless Application Environment, WBMP type 0 */
function isWbmp(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0 || bytes[1] !== 0) return false;
  const width = sevenBits(bytes, 2);
  const height = sevenBits(bytes, width.end);
  return height.end + Math.ceil(width.value / 8) * height.value === bytes.length && width.value * height.value > 0;
}

function sevenBits(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  let at = start;
  while (at - start < 3 && (bytes[at] ?? 0) & 128) value = value * 128 + (bytes[at++]! & 127);
  return { value: value * 128 + (bytes[at] ?? 0), end: at + 1 };
}

/** Source: Nokia, Smart Messaging Specification, OTA bitmaps */
function isOtb(bytes: Uint8Array): boolean {
  const [first, width = 0, height = 0, depth] = bytes;
  const lengths = [Math.ceil((width * height) / 8), Math.ceil(width / 8) * height];
  return first === 0 && depth === 1 && width * height > 0 && lengths.includes(bytes.length - 4);
}

function isRgf(bytes: Uint8Array): boolean {
  const [width = 0, height = 0] = bytes;
  return width * height > 0 && bytes.length === 2 + Math.ceil(width / 8) * height;
}

/** Source: Palm OS Programmer's API Reference, BitmapType */
function isPalm(bytes: Uint8Array): boolean {
  if (bytes.length < 16) return false;
  const view = viewOf(bytes);
  const [width, height, lineLength] = [0, 2, 4].map((at) => view.getUint16(at)) as [number, number, number];
  const [depth, version, compression] = [8, 9, 13].map((at) => bytes[at]!) as [number, number, number];
  const least = Math.ceil((width * depth) / 8);
  const isFormed = [1, 2, 4, 8, 16].includes(depth) && version < 4 && [0, 1, 2, 255].includes(compression);
  return isFormed && width * height > 0 && lineLength % 2 === 0 && lineLength >= least && lineLength < least + 4;
}

/** Source: ITU-T T.82, 6.2 */
function isJbig(bytes: Uint8Array): boolean {
  if (bytes.length < 24) return false;
  const view = viewOf(bytes);
  const [least, most, planes, reserved] = [0, 1, 2, 3].map((at) => bytes[at]!) as [number, number, number, number];
  const sides = [4, 8, 12].map((at) => view.getUint32(at));
  const isFormed = least <= most && most < 16 && planes > 0 && planes <= 16 && reserved === 0;
  return isFormed && sides.every((side) => side > 0 && side < 65_536) && bytes[16]! < 128 && bytes[18]! < 16;
}

/** Lines of a fax that are looked at. */
const looked = 3;
const endOfLine = /0{11}1/g;

/** Begins with the mark for the end of a line, and so do its next lines. Source: ITU-T T.4 */
function isGroup3(bytes: Uint8Array): boolean {
  return inBothOrders(bytes.subarray(0, 1024)).some(
    (bits) => /^0{11,15}1/.test(bits) && (bits.match(endOfLine) ?? []).length > looked,
  );
}

/** Ends with two such marks. Source: ITU-T T.6 */
function isGroup4(bytes: Uint8Array): boolean {
  return inBothOrders(bytes.subarray(-4)).some((bits) => /0{11}10{11}10*$/.test(bits)) && bytes.length > 8;
}

/** As digits: the highest bit of each byte first, and the lowest. */
function inBothOrders(bytes: Uint8Array): string[] {
  const octets = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0'));
  return [octets.join(''), octets.map((octet) => octet.split('').toReversed().join('')).join('')];
}
