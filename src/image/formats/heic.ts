import { brandsOf } from './boxes.ts';
import { damaged } from './damaged.ts';
import { type HeifItems, readHeifItems } from './heif-items.ts';
import { heifPixels, heifRaw } from './heif-pixels.ts';
import { type HeifFile, type HeifPicture, loadLibheif } from './libheif.ts';
import type { OpenRequest, Opened } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { plainTiff } from './plain-tiff.ts';
import { openWithVips } from './vips.ts';

export function isHeic(bytes: Uint8Array): boolean {
  return /hei[cxms]|hev[cxms]|mif1|msf1/.test(brandsOf(bytes));
}

/**
 * The decoder itself crops and turns pictures by `clap`, `irot` and `imir`; an EXIF orientation beside them must not
 * count (23008-12). Every picture has colours of its own.
 */
export async function openHeic({ bytes, name }: OpenRequest): Promise<Opened> {
  const container = readHeifItems(bytes);
  if (container.damage !== undefined) throw damaged(name, 'HEIC', container.damage);
  for (const { size } of container.items.values()) if (size) checkSize(size, name);
  const libheif = await loadLibheif();
  const file = attempt(name, () => libheif.open(bytes));
  try {
    const ids = attempt(name, () => shownPictures(file, container));
    return {
      pageCount: ids.length,
      async page(index) {
        const id = ids[index]!;
        checkSize(
          attempt(name, () => file.size(id)),
          name,
        );
        return inSrgb(
          attempt(name, () => file.decode(id)),
          name,
        );
      },
      close: () => file.close(),
    };
  } catch (thrown) {
    file.close();
    throw thrown;
  }
}

function attempt<Result>(name: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    throw damaged(name, 'HEIC', thrown);
  }
}

/** Without the recipe for brighter screens that phones put beside the picture itself (ISO 21496-1). */
function shownPictures(file: HeifFile, { items }: HeifItems): number[] {
  const ids = file.ids().filter((id) => items.get(id)?.type !== 'tmap');
  if (ids.length === 0) throw new Error('there is no picture in it');
  return ids;
}

/** With a profile by way of a file that says what the colours are. */
async function inSrgb(picture: HeifPicture, name: string): Promise<Pixels> {
  if (!picture.profile) return heifPixels(picture);
  const raw = heifRaw({ ...picture, colours: undefined });
  const plain = plainTiff({ ...raw, model: 'rgba', values: raw.bytes, profile: picture.profile });
  const tiff = await openWithVips({ bytes: plain, name, format: 'HEIC' });
  return tiff.page(0);
}
