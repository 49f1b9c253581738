import { PixtralError } from '../../base/errors.ts';
import { readJpeg } from './jpeg.ts';
import { isLargeJpeg, openLargeJpeg } from './large-jpeg.ts';
import type { OpenRequest, Opened } from './opened.ts';
import { openWithSkia } from './skia.ts';
import { openWithVips } from './vips.ts';

/** Skia's conversion from a press's inks is coarse: up to 23 of 255 from LittleCMS's. */
export function openJpeg({ bytes, name }: Pick<OpenRequest, 'bytes' | 'name'>): Opened | Promise<Opened> {
  const jpeg = readJpeg(bytes);
  if (jpeg.unreadable !== undefined) {
    throw new PixtralError('input', `${name}: is ${jpeg.unreadable}, expected one of 8 bits that is not in layers`, {
      hint: 'no decoder here reads it; save it as a usual JPEG or as a PNG first',
    });
  }
  const skia = openWithSkia(jpeg, name);
  if (isLargeJpeg(jpeg)) return openLargeJpeg({ bytes: jpeg.bytes, name });
  return jpeg.channels === 4 && jpeg.profile ? openWithVips({ bytes: jpeg.bytes, name, format: 'JPEG' }) : skia;
}
