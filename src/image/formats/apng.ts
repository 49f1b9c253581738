import { type Canvas, type Image, type SKRSContext2D, createCanvas } from '@napi-rs/canvas';
import { PixtralError } from '../../base/errors.ts';
import { damaged } from './damaged.ts';
import { type Opened, type Size, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { colouredPixels } from './coloured-png.ts';
import { type EncodedPng, type PngChunk, chunkBytes, pngSignature, readPng, readPngChunks } from './png.ts';
import { canvasOf, decodeWithSkia, upright } from './skia.ts';
import { rgbaOfGrey } from './grey-png.ts';

interface Frame extends Size {
  x: number;
  y: number;
  /** What becomes of its area afterwards. */
  dispose: 'keep' | 'clear' | 'restore';
  /** Replaces what is below also where it is transparent. */
  replaces: boolean;
  parts: Uint8Array[];
}

/** The frames of an animated PNG, each with those before it under it. Source: PNG, third edition, 4.9 and 11.3.6. */
export function openApng({ bytes, orientation, stated }: EncodedPng, name: string): Opened {
  const chunks = readPngChunks(bytes);
  const header = chunks.find(({ type }) => type === 'IHDR')!.content;
  const { frames, shared } = framesOf(chunks);
  const size = { width: viewOf(header).getUint32(0), height: viewOf(header).getUint32(4) };
  checkSize(size, name);
  for (const { x, y, width, height } of frames) {
    if (width < 1 || height < 1 || x + width > size.width || y + height > size.height) {
      throw damaged(name, 'PNG', 'has a frame that reaches beyond its picture');
    }
  }
  const filmStrip = strip(size, frames, (frame) => decodeFrame(framePng(frame, { header, shared }), name));
  return {
    pageCount: frames.length,
    page: (index) =>
      filmStrip(index).then(
        (canvas): Pixels => (stated ? colouredPixels(canvas, stated, orientation) : upright(canvas, orientation)),
        (thrown: unknown) => {
          throw thrown instanceof PixtralError ? thrown : damaged(name, 'PNG', thrown);
        },
      ),
  };
}

async function decodeFrame(bytes: Uint8Array, name: string): Promise<Image | Canvas> {
  const png = readPng(bytes);
  const inspected = png.inspection?.inspect();
  if (inspected?.kind === 'damaged') throw damaged(name, 'PNG', inspected.found);
  const whole = inspected?.repaired ?? bytes;
  return png.hasGreyProfile ? canvasOf(await rgbaOfGrey(whole, name)) : decodeWithSkia(whole);
}

/** Pictures that are asked for in rising order are composed once each. */
function strip(
  size: Size,
  frames: readonly Frame[],
  decode: (frame: Frame) => Promise<Image | Canvas>,
): (index: number) => Promise<Canvas> {
  let canvas = createCanvas(size.width, size.height);
  let next = 0;
  let disposeLast = (): void => {};
  return async (index) => {
    if (index < next) {
      canvas = createCanvas(size.width, size.height);
      next = 0;
      disposeLast = () => {};
    }
    for (; next <= index; next++) {
      disposeLast();
      const frame = frames[next]!;
      const context = canvas.getContext('2d');
      disposeLast = disposal(context, frame);
      const image = await decode(frame);
      if (frame.replaces) context.clearRect(frame.x, frame.y, frame.width, frame.height);
      context.drawImage(image, frame.x, frame.y);
    }
    return canvas;
  };
}

function disposal(context: SKRSContext2D, { dispose, x, y, width, height }: Frame): () => void {
  if (dispose === 'keep') return () => {};
  if (dispose === 'clear') return () => context.clearRect(x, y, width, height);
  const before = context.getImageData(x, y, width, height);
  return () => context.putImageData(before, x, y);
}

/** A default picture that is no frame is for programs that know no animation. */
function framesOf(chunks: readonly PngChunk[]): { frames: Frame[]; shared: PngChunk[] } {
  const frames: Frame[] = [];
  const shared: PngChunk[] = [];
  for (const chunk of chunks) {
    if (chunk.type === 'fcTL' && chunk.content.byteLength >= 26) frames.push(readFrame(viewOf(chunk.content)));
    else if (chunk.type === 'IDAT') frames.at(-1)?.parts.push(chunk.content);
    else if (chunk.type === 'fdAT') frames.at(-1)?.parts.push(chunk.content.subarray(4)); // without its number
    else if (frames.every(({ parts }) => parts.length === 0) && !['IHDR', 'acTL'].includes(chunk.type))
      shared.push(chunk);
  }
  return { frames: frames.filter(({ parts }) => parts.length > 0), shared };
}

function readFrame(content: DataView): Frame {
  return {
    width: content.getUint32(4),
    height: content.getUint32(8),
    x: content.getUint32(12),
    y: content.getUint32(16),
    dispose: (['keep', 'clear', 'restore'] as const)[content.getUint8(24)] ?? 'keep',
    replaces: content.getUint8(25) === 0,
    parts: [],
  };
}

/** A frame as a PNG of its own: palette, transparency and profile are those of the whole. */
function framePng(
  { width, height, parts }: Frame,
  { header, shared }: { header: Uint8Array; shared: readonly PngChunk[] },
): Uint8Array {
  const own = Buffer.from(header);
  own.writeUInt32BE(width, 0);
  own.writeUInt32BE(height, 4);
  return Buffer.concat([
    pngSignature,
    chunkBytes('IHDR', own),
    ...shared.map(({ type, content }) => chunkBytes(type, content)),
    chunkBytes('IDAT', Buffer.concat(parts)),
    chunkBytes('IEND', Buffer.alloc(0)),
  ]);
}
