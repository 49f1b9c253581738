import type { Metadata, Sharp, SharpConstructor } from 'sharp';
import { notLoaded } from '../../base/not-loaded.ts';
import { damaged } from './damaged.ts';
import type { Opened, Size } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { type RawPixels, cmykPixels, rgbaPixels } from './raw-pixels.ts';

/** The readers that may be reached, whatever a file turns out to be: the others have had less care. */
const readers = ['Tiff', 'Nsgif', 'Webp', 'Svg', 'Jpeg', 'Heif', 'Png'];

/**
 * TIFF, GIF, SVG, animated WebP, and JPEG in the inks of a profile: libvips has all pages and frames of them, and
 * converts colours with LittleCMS.
 * @throws PixtralError `input` when the header is damaged or claims too much
 */
export async function openWithVips({
  bytes,
  name,
  format,
}: {
  bytes: Uint8Array;
  name: string;
  format: string;
}): Promise<Opened & { size: Size }> {
  const sharp = await loadSharp();
  const open = (page: number): Sharp => sharp(bytes, { page, failOn: 'warning', limitInputPixels: false });
  const header = async (page: number): Promise<Metadata> => {
    const metadata = await open(page)
      .metadata()
      .catch((thrown: unknown) => {
        throw damaged(name, format, thrown);
      });
    checkSize(metadata, name);
    return metadata;
  };
  const { pages = 1, width, height } = await header(0);
  return {
    size: { width, height },
    pageCount: pages,
    async page(index) {
      const metadata = await header(index);
      return decode(open(index), metadata).catch((thrown: unknown) => {
        throw damaged(name, format, thrown);
      });
    },
  };
}

/** Red, green, blue and how opaque, in sRGB by the profile in the file. */
export async function rgbaByVips(bytes: Uint8Array): Promise<RawPixels> {
  const sharp = await loadSharp();
  const picture = sharp(bytes, { failOn: 'none', limitInputPixels: false }).toColourspace('srgb').ensureAlpha();
  const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, bytes: data };
}

let loading: Promise<SharpConstructor> | undefined;

/**
 * With no reader but those. Once: what another thread opens while all are blocked is in no known format to it.
 * @throws PixtralError `machine` when it does not load
 */
export function loadSharp(): Promise<SharpConstructor> {
  return (loading ??= openSharp());
}

async function openSharp(): Promise<SharpConstructor> {
  const { default: sharp } = await import('sharp').catch(notLoaded('libvips, which reads pictures'));
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: readers.map((reader) => `VipsForeignLoad${reader}`) });
  sharp.cache(false);
  return sharp;
}

async function decode(picture: Sharp, { space, hasProfile, depth }: Metadata): Promise<Pixels> {
  const unknownInks = space === 'cmyk' && !hasProfile && depth === 'uchar';
  const upright = picture.autoOrient();
  const converted = unknownInks
    ? upright.pipelineColourspace('cmyk').toColourspace('cmyk')
    : upright.toColourspace('srgb').ensureAlpha();
  const { data: bytes, info } = await converted.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return unknownInks ? cmykPixels({ width, height, bytes }) : rgbaPixels({ width, height, bytes });
}
