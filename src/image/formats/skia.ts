import { type Canvas, Image, createCanvas } from '@napi-rs/canvas';
import { damaged } from './damaged.ts';
import { type Encoded, type Inspected, type Opened, dataBreaksOff } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { type RawPixels, rgbaPixels } from './raw-pixels.ts';

/** PNG, JPEG, WebP, BMP and ICO. @throws PixtralError `input` when the container is cut short or claims too much */
export function openWithSkia(encoded: Encoded, name: string): Opened {
  if (encoded.damage !== undefined) throw damaged(name, encoded.format, encoded.damage);
  if (encoded.size) checkSize(encoded.size, name);
  return { pageCount: 1, page: () => decodePicture(encoded, name) };
}

/** @throws PixtralError `input` when the decoder gives up or leaves lines out */
async function decodePicture(encoded: Encoded, name: string): Promise<Pixels> {
  const decode = (bytes: Uint8Array): Promise<Image> =>
    decodeWithSkia(bytes).catch((thrown: unknown) => {
      throw damaged(name, encoded.format, thrown);
    });
  const decoded = await decode(encoded.bytes);
  const inspected = inspectedAfter(decoded, encoded);
  if (inspected.kind === 'damaged') throw damaged(name, encoded.format, inspected.found);
  const image = inspected.repaired ? await decode(inspected.repaired) : decoded;
  const drawable = encoded.colours ? onWhite(await decode(encoded.colours), image) : image;
  return upright(drawable, encoded.orientation);
}

export async function decodeWithSkia(bytes: Uint8Array): Promise<Image> {
  const image = new Image();
  image.src = bytes;
  await image.decode();
  return image;
}

function inspectedAfter(image: Image, { opaque, inspection }: Encoded): Inspected {
  const isMissing =
    (opaque && !isDecodedToTheCorners(image)) || (inspection && isLastLine(inspection.missingLines, image)) === true;
  if (inspection && (isMissing || inspection.isAlwaysDue)) return inspection.inspect();
  return isMissing ? { kind: 'damaged', found: dataBreaksOff } : { kind: 'whole', repaired: undefined };
}

/** As the decoder leaves lines that it does not find; the last one is the first to be missing. */
function isLastLine(what: 'clear' | 'black', image: Image): boolean {
  const { width, height } = image;
  const canvas = createCanvas(width, 1);
  canvas.getContext('2d').drawImage(image, 0, height - 1, width, 1, 0, 0, width, 1);
  return canvas.data().every((value, index) => value === 0 || (what === 'black' && index % 4 === 3));
}

/** Where the decoder stopped before the end it leaves pixels transparent; the end is in one of the corners. */
function isDecodedToTheCorners(image: Image): boolean {
  const { width, height } = image;
  const canvas = createCanvas(2, 2);
  const context = canvas.getContext('2d');
  for (const [x, y] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const) {
    context.drawImage(image, x * (width - 1), y * (height - 1), 1, 1, x, y, 1, 1);
  }
  return canvas.data().every((value, index) => index % 4 !== 3 || value === 255);
}

/**
 * Puts `colours` on white by the transparency of `image`, as Pillow does: the decoder of WebP rounds down when it
 * multiplies, which costs up to one step of 255.
 */
function onWhite(colours: Image, image: Image): Canvas {
  const { width, height } = image;
  const pixels = drawn(colours).data();
  const transparent = drawn(image).data();
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = transparent[at + 3]!;
    for (let channel = at; channel < at + 3; channel++) {
      const sum = pixels[channel]! * alpha + 255 * (255 - alpha) + 128;
      pixels[channel] = (sum + (sum >> 8)) >> 8;
    }
    pixels[at + 3] = 255;
  }
  return canvasOf({ width, height, bytes: pixels });
}

function drawn(image: Image): Canvas {
  const canvas = createCanvas(image.width, image.height);
  canvas.getContext('2d').drawImage(image, 0, 0);
  return canvas;
}

/** Canvas matrices that turn a stored picture upright, by EXIF orientation. Source: Exif 2.32, 4.6.4.A. */
const matrices: readonly ((width: number, height: number) => [number, number, number, number, number, number])[] = [
  () => [1, 0, 0, 1, 0, 0],
  (width) => [-1, 0, 0, 1, width, 0],
  (width, height) => [-1, 0, 0, -1, width, height],
  (_, height) => [1, 0, 0, -1, 0, height],
  () => [0, 1, 1, 0, 0, 0],
  (_, height) => [0, 1, -1, 0, height, 0],
  (width, height) => [0, -1, -1, 0, height, width],
  (width) => [0, -1, 1, 0, 0, width],
];

/**
 * Lines of the picture, drawn on white when asked for: a canvas of the whole size and copies of it would cost more
 * time than the resize. The canvas holds round(c*a/255) and puts it on white as that plus 255-a, which is Pillow's
 * round((c*a + 255*(255-a)) / 255) to the last bit.
 */
export function upright(drawable: Image | Canvas, orientation: number): Pixels {
  const [a, b, c, d, e, f] = (matrices[orientation - 1] ?? matrices[0]!)(drawable.width, drawable.height);
  const [width, height] = a === 0 ? [drawable.height, drawable.width] : [drawable.width, drawable.height];
  let canvas = createCanvas(width, 1);
  return {
    width,
    height,
    lines(first, count) {
      if (canvas.height !== count) canvas = createCanvas(width, count);
      const context = canvas.getContext('2d');
      context.imageSmoothingEnabled = false;
      context.resetTransform();
      context.fillStyle = '#fff';
      context.fillRect(0, 0, width, count);
      context.setTransform(a, b, c, d, e, f - first);
      context.drawImage(drawable, 0, 0);
      return canvas.data();
    },
  };
}

/** The same for pixels that another decoder gave. */
export function uprightRaw(raw: RawPixels, orientation: number): Pixels {
  const pixels = rgbaPixels(raw);
  if (orientation === 1) return pixels;
  const opaque = pixels.lines(0, raw.height);
  for (let at = 3; at < opaque.length; at += 4) opaque[at] = 255;
  return upright(canvasOf({ ...raw, bytes: opaque }), orientation);
}

export function canvasOf({ width, height, bytes }: RawPixels): Canvas {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const target = context.createImageData(width, height);
  target.data.set(bytes);
  context.putImageData(target, 0, 0);
  return canvas;
}
