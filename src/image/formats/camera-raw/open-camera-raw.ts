import { PixtralError } from '../../../base/errors.ts';
import { boxAt, brandsOf } from '../boxes.ts';
import { orientationAlone, statedOrientation } from '../exif.ts';
import { openJpeg } from '../open-jpeg.ts';
import type { OpenRequest, Opened, Size } from '../opened.ts';
import { readPage } from '../tiff/open-tiff.ts';
import { type Tiff, number, tags } from '../tiff/directories.ts';
import { readLayout } from '../tiff/layout.ts';
import { asTiff, cameraRawKind } from './kinds.ts';
import { type Preview, jpegsIn, pictureDirectories } from './previews.ts';
import { allDirectories, isRaw, sizeOf } from './raw-directories.ts';
import type { Pixels } from '../../pixels/patches.ts';

/**
 * The largest picture that the camera or a converter has put beside the raw samples, upright, if it shows as much as the
 * model can see or half of what the camera took: raw samples are not developed here.
 */
export async function openCameraRaw(request: OpenRequest): Promise<Opened> {
  const { bytes, name, image } = request;
  const kind = cameraRawKind(bytes)!;
  const tiff = asTiff(bytes, name);
  const previews = kind === 'DNG' && tiff ? pictureDirectories(tiff, allDirectories(tiff)) : jpegsIn(bytes);
  const [best] = previews.sort((one, other) => other.width * other.height - one.width * one.height);
  const taken = tiff && takenSize(tiff);
  if (!best || !isLargeEnough(best, { taken, seen: image.maxImageSize })) throw refusal(name, { kind, best, taken });
  const orientation = (tiff && number(tiff, tiff.directories[0]!, tags.orientation)) ?? orientationOfCr3(bytes);
  const warning = `it is a camera's raw file (${kind}), which is not developed here: the picture of ${sizeText(best)} inside of it is shown`;
  const page = await previewPage(best, { request, tiff, orientation });
  return {
    pageCount: 1,
    async page() {
      const pixels = await page();
      return { ...pixels, warnings: [warning, ...(pixels.warnings ?? [])] };
    },
  };
}

/** Of the raw samples, or what Panasonic says of its sensor. */
function takenSize(tiff: Tiff): Size | undefined {
  const sizes = allDirectories(tiff)
    .filter((directory) => isRaw(tiff, directory))
    .map((directory) => sizeOf(tiff, directory));
  const [first] = tiff.directories;
  const sensor = { width: number(tiff, first!, 2) ?? 0, height: number(tiff, first!, 3) ?? 0 };
  return [...sizes, sensor]
    .filter(({ width, height }) => width > 0 && height > 0)
    .sort((one, other) => other.width * other.height - one.width * one.height)[0];
}

/** Half sizes are cut by some pixels at the borders. */
const nearlyHalf = 0.48;

function isLargeEnough(preview: Size, { taken, seen }: { taken: Size | undefined; seen: number }): boolean {
  const side = Math.max(preview.width, preview.height);
  return (
    side >= Math.min(seen, 1000) || (taken !== undefined && side >= Math.max(taken.width, taken.height) * nearlyHalf)
  );
}

function refusal(
  name: string,
  { kind, best, taken }: { kind: string; best: Preview | undefined; taken: Size | undefined },
): PixtralError {
  const holds = best ? `no picture larger than ${sizeText(best)}` : 'no picture';
  const of = taken ? ` of the ${sizeText(taken)} that were taken` : '';
  return new PixtralError(
    'input',
    `${name}: the camera's raw file (${kind}) holds ${holds}${of}, expected one of at least half of the size`,
    {
      hint: `raw samples are not developed here: convert it with 'darktable-cli ${name} picture.jpg' or 'dcraw -T -w ${name}'`,
    },
  );
}

function sizeText({ width, height }: Size): string {
  return `${width}x${height}`;
}

async function previewPage(
  preview: Preview,
  {
    request: { name, ...request },
    tiff,
    orientation,
  }: { request: OpenRequest; tiff: Tiff | undefined; orientation: number | undefined },
): Promise<() => Promise<Pixels>> {
  if (preview.kind === 'directory') {
    const { directory } = preview;
    const layout = readLayout(tiff!, directory);
    return () => readPage(tiff!, { directory, layout, orientation });
  }
  const bytes = orientation === undefined ? preview.bytes : withOrientation(preview.bytes, orientation);
  const opened = await openJpeg({ ...request, name, bytes });
  return () => opened.page(0);
}

/** What the raw file says counts: of the first part in a JPEG that states one. */
function withOrientation(jpeg: Uint8Array, orientation: number): Uint8Array {
  const part = Buffer.from('\xff\xe1\0\x22Exif\0\0', 'latin1');
  return Buffer.concat([jpeg.subarray(0, 2), part, orientationAlone(orientation), jpeg.subarray(2)]);
}

/** Canon keeps a TIFF structure in a box of its own. */
function orientationOfCr3(bytes: Uint8Array): number | undefined {
  if (!brandsOf(bytes).startsWith('crx ')) return undefined;
  const movie = boxAt(bytes, { start: 0, end: bytes.byteLength }, 'moov');
  if (!movie) return undefined;
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .subarray(0, movie.end)
    .indexOf('CMT1', movie.start);
  return at < 0 ? undefined : statedOrientation(bytes.subarray(at + 4))?.value;
}
