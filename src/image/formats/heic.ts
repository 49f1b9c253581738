import { PixtralError, reasonOf } from '../../base/errors.ts';
import { openAvif } from './avif.ts';
import { brandsOf } from './boxes.ts';
import { type FilmTrack, readFilmTracks } from './film-track.ts';
import { damaged } from './damaged.ts';
import { type HeifItems, readHeifItems } from './heif-items.ts';
import { heifPixels, heifRaw } from './heif-pixels.ts';
import { type HeifFile, type HeifPicture, loadLibheif } from './libheif.ts';
import { type OpenRequest, type Opened, cutShort } from './opened.ts';
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
export async function openHeic({ bytes, name }: Pick<OpenRequest, 'bytes' | 'name'>): Promise<Opened> {
  const [film] = readFilmTracks(bytes);
  if (film && film.samples.length > 1 && /he[iv][cs]|msf1/.test(brandsOf(bytes)))
    return openHeicFilm(bytes, film, name);
  const container = readHeifItems(bytes);
  if (container.damage !== undefined) throw damaged(name, 'HEIC', container.damage);
  const { codec } = container;
  if (codec === 'av01') return openAvif({ bytes: asAvif(bytes), name });
  if (codec !== undefined && codec !== 'hvc1') throw unreadable(codec, name);
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

/** The decoder of AVIF wants its name at the beginning. */
function asAvif(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes);
  file.write('avif', 8, 'latin1');
  return file;
}

/** How pictures may be stored in the same container. Source: ISO/IEC 23008-12, annexes. */
const codecs: Readonly<Record<string, string>> = {
  avc1: 'AVC (H.264)',
  evc1: 'EVC',
  j2k1: 'JPEG 2000',
  jpeg: 'JPEG',
  unci: 'plain samples',
  vvc1: 'VVC (H.266)',
};

function unreadable(codec: string, name: string): PixtralError {
  return new PixtralError(
    'input',
    `${name}: is a HEIF with a picture in ${codecs[codec] ?? `'${codec}'`}, expected one in HEVC (HEIC) or AV1 (AVIF)`,
    { hint: 'no decoder here reads it; convert it to PNG first, for example with heif-convert' },
  );
}

/** The frames of a film, such as a burst of pictures; decoded one after the other. */
async function openHeicFilm(bytes: Uint8Array, film: FilmTrack, name: string): Promise<Opened> {
  checkSize(film, name);
  if (film.samples.some(({ end }) => end > bytes.byteLength)) throw damaged(name, 'HEIC', cutShort);
  const libheif = await loadLibheif();
  const file = attempt(name, () => libheif.open(bytes));
  let frames = file.frames();
  let next = 0;
  return {
    pageCount: film.samples.length,
    async page(index) {
      if (index < next) {
        frames?.close();
        frames = file.frames();
        next = 0;
      }
      let picture: HeifPicture | undefined;
      for (; next <= index; next++) picture = nextFrame(frames!, name);
      return inSrgb(picture!, name);
    },
    close() {
      frames?.close();
      file.close();
    },
  };
}

function nextFrame(frames: { next(): HeifPicture }, name: string): HeifPicture {
  try {
    return frames.next();
  } catch (cause) {
    throw new PixtralError('input', `${name}: a frame of the HEIC cannot be decoded: ${reasonOf(cause)}`, {
      hint: 'frames that are stored out of order cannot be followed here: save those that you want as pictures',
      cause,
    });
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
