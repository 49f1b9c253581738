import { type Directory, type Tiff, number, readTiff, subDirectories, tags } from './directories.ts';
import { type Layout, photometrics, readLayout } from './layout.ts';
import { readColours } from './colours.ts';
import type { OpenRequest, Opened } from '../opened.ts';
import type { Pixels } from '../../pixels/patches.ts';
import { rgbaPixels } from '../raw-pixels.ts';
import { stretched } from '../../pixels/stretched.ts';
import { turned } from '../turned.ts';

/** Pages are the directories of the file's chain, but for smaller copies and masks of them. */
export function openTiff({ bytes, name }: OpenRequest): Opened {
  const tiff = readTiff(bytes, name);
  const pages = pagesOf(tiff).map((directory) => ({ directory, layout: readLayout(tiff, directory) }));
  return {
    pageCount: pages.length,
    page: (index) => readPage(tiff, pages[index]!),
  };
}

/** A thumbnail may stand before the picture itself, which is then below it. */
function pagesOf(tiff: Tiff): Directory[] {
  const { directories } = tiff;
  const isPage = (directory: Directory): boolean => !isCopyOrMask(tiff, directory);
  const pages = directories.filter(isPage);
  if (pages.length > 0) return pages;
  const below = directories.flatMap((directory) => subDirectories(tiff, directory)).filter(isPage);
  return below.length > 0 ? below : directories.slice(0, 1);
}

function isCopyOrMask(tiff: Tiff, directory: Directory): boolean {
  const kind = number(tiff, directory, tags.newSubfileType) ?? 0;
  const isSmaller = (kind & 1) !== 0 || number(tiff, directory, tags.subfileType) === 2;
  const isMask = (kind & 4) !== 0 || number(tiff, directory, tags.photometric) === photometrics.mask;
  return isSmaller || isMask;
}

/** @param orientation what counts instead of the directory's own */
export async function readPage(
  tiff: Tiff,
  { directory, layout, ...given }: { directory: Directory; layout: Layout; orientation?: number | undefined },
): Promise<Pixels> {
  const { width, height } = layout;
  const { bytes, warnings } = await readColours(tiff, directory, layout);
  const orientation = given.orientation ?? number(tiff, directory, tags.orientation) ?? 1;
  const raw = turned({ width, height, bytes }, orientation);
  const { aspect, warning } = pixelAspect(tiff, directory, layout);
  const pixels = stretched(rgbaPixels(raw), raw.width === width ? aspect : 1 / aspect);
  const all = [...warnings, ...(warning === undefined ? [] : [warning])];
  return all.length > 0 ? { ...pixels, warnings: all } : pixels;
}

/** Rounded numbers of dots are no stretch. */
const leastStretch = 1.01;
/** Faxes go up to 408 by 98. What is beyond is no statement about pixels but a number that nobody set. */
const mostStretch = 4.2;
/** To an inch or centimetre. Nothing is scanned with fewer: some programs write other numbers here. */
const fewestDots = 5;

/** How many times wider than high a pixel is. */
function pixelAspect(tiff: Tiff, directory: Directory, { bits }: Layout): { aspect: number; warning?: string } {
  const across = number(tiff, directory, tags.xResolution) ?? 1;
  const down = number(tiff, directory, tags.yResolution) ?? 1;
  const aspect = down / across;
  const stretch = Math.max(aspect, 1 / aspect);
  if (!(stretch > leastStretch) || across <= 0 || down <= 0) return { aspect: 1 };
  const says = `it says that it has ${short(across)} by ${short(down)} pixels an inch or centimetre`;
  const isOfLength = number(tiff, directory, tags.resolutionUnit) !== 1;
  if (!(stretch <= mostStretch) || (isOfLength && Math.min(across, down) < fewestDots))
    return { aspect: 1, warning: `${says}, which is not believed: pixels are shown square` };
  const isFax = bits.length === 1 && bits[0] === 1;
  return isFax ? { aspect } : { aspect, warning: `${says}: it is stretched to match` };
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
