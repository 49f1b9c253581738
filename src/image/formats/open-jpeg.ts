import { PixtralError } from '../../base/errors.ts';
import { readJpeg } from './jpeg.ts';
import { isLargeJpeg, openLargeJpeg } from './large-jpeg.ts';
import { type OpenRequest, type Opened, cutShort } from './opened.ts';
import { openWithSkia } from './skia.ts';
import { damaged } from './damaged.ts';
import { loadSharp, openWithVips } from './vips.ts';

/** Skia's conversion from a press's inks is coarse: up to 23 of 255 from LittleCMS's. */
export function openJpeg({ bytes, name }: Pick<OpenRequest, 'bytes' | 'name'>): Opened | Promise<Opened> {
  const jpeg = readJpeg(bytes);
  if (jpeg.unreadable !== undefined) {
    throw new PixtralError('input', `${name}: is ${jpeg.unreadable}, expected one of 8 bits that is not in layers`, {
      hint: 'no decoder here reads it; save it as a usual JPEG or as a PNG first',
    });
  }
  if (jpeg.lacksEnd) return openEndless(bytes, name);
  const skia = openWithSkia(jpeg, name);
  if (isLargeJpeg(jpeg)) return openLargeJpeg({ bytes: jpeg.bytes, name });
  return jpeg.channels === 4 && jpeg.profile ? openWithVips({ bytes: jpeg.bytes, name, format: 'JPEG' }) : skia;
}

/** As some cameras and cards leave it: without the marker behind its picture, of which no line may be missing. */
async function openEndless(bytes: Uint8Array, name: string): Promise<Opened> {
  const ended = Buffer.concat([bytes, Buffer.from([0xff, 0xd9])]);
  if (readJpeg(ended).damage !== undefined) throw damaged(name, 'JPEG', cutShort);
  const opened = await openJpeg({ bytes: ended, name });
  return {
    ...opened,
    async page(index) {
      if (!(await isWhole(ended))) throw damaged(name, 'JPEG', cutShort);
      const warning = 'it ends without the mark that ends a JPEG: some of it may be missing';
      return { ...(await opened.page(index)), warnings: [warning] };
    },
  };
}

/** Whether the decoder misses nothing. */
async function isWhole(bytes: Uint8Array): Promise<boolean> {
  const sharp = await loadSharp();
  return sharp(bytes, { failOn: 'warning', limitInputPixels: false })
    .stats()
    .then(
      () => true,
      () => false,
    );
}
