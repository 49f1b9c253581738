import { boxesIn } from './boxes.ts';
import { damaged } from './damaged.ts';
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
  return {
    pageCount: 1,
    async page() {
      const image = await decodeWithSkia(bytes).catch((thrown: unknown) => {
        throw damaged(name, 'JPEG XL', thrown);
      });
      const pixels = upright(image, 1);
      return header.animated ? { ...pixels, warnings: ['it is a film, of which the first picture is shown'] } : pixels;
    },
  };
}

/** Source: ISO/IEC 18181-1, annexes A and D */
function readHeader(bytes: Uint8Array): { size: Size; animated: boolean } | undefined {
  const stream = codestream(bytes);
  if (!stream || stream[0] !== 0xff || stream[1] !== 0x0a) return undefined;
  const bits = bitReader(stream.subarray(2));
  const size = readSize(bits);
  const allDefault = bits(1) === 1;
  const extraFields = !allDefault && bits(1) === 1;
  if (!extraFields) return { size, animated: false };
  bits(3); // orientation
  if (bits(1) === 1) readSize(bits); // the size that it should be shown in
  const hasPreview = bits(1) === 1;
  return { size, animated: !hasPreview && bits(1) === 1 };
}

function codestream(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[0] === 0xff) return bytes;
  for (const { type, start, end } of boxesIn(bytes, 0, bytes.byteLength)) {
    if (type === 'jxlc') return bytes.subarray(start, end);
    if (type === 'jxlp') return bytes.subarray(start + 4, end);
  }
  return undefined;
}

function readSize(bits: (count: number) => number): Size {
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
function bitReader(bytes: Uint8Array): (count: number) => number {
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
