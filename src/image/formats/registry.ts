import { isAvif, openAvif } from './avif.ts';
import { isBmp, openBmp } from './bmp.ts';
import type { OpenRequest, Opened } from './opened.ts';
import { isCameraRaw } from './camera-raw/kinds.ts';
import { isDicom } from './dicom/is-dicom.ts';
import { isGif, openGif } from './gif.ts';
import { isHeic, openHeic } from './heic.ts';
import { isIco, readIco } from './ico.ts';
import { isIcns, openIcns } from './icns.ts';
import { isJpeg } from './jpeg.ts';
import { isJpeg2000, openJpeg2000 } from './jpeg2000.ts';
import { isJxl, openJxl } from './jxl.ts';
import { openJpeg } from './open-jpeg.ts';
import { openPng } from './open-png.ts';
import { isPdf } from './pdf/is-pdf.ts';
import { isPng } from './png.ts';
import { isPnm, openPnm } from './pnm.ts';
import { isPsd, openPsd } from './psd.ts';
import { isQoi, openQoi } from './qoi.ts';
import { openWithSkia } from './skia.ts';
import { isSvg } from './svg/is-svg.ts';
import { isSvgz, openSvgz } from './svg/svgz.ts';
import { isTga, openTga } from './tga.ts';
import { isTiff } from './tiff/directories.ts';
import { openWithVips } from './vips.ts';
import { isWebp, readWebp } from './webp.ts';

/**
 * The strict marks first: icons have next to none, and a PDF's may stand further down.
 * What reads the larger ones is loaded for the first of their files: a photo need not wait for it.
 */
export const formats: readonly {
  is: (bytes: Uint8Array) => boolean;
  open: (request: OpenRequest) => Opened | Promise<Opened>;
}[] = [
  { is: isPng, open: openPng },
  { is: isJpeg, open: openJpeg },
  { is: isWebp, open: openWebp },
  { is: isGif, open: openGif },
  { is: isAvif, open: openAvif },
  { is: isHeic, open: openHeic },
  {
    is: isCameraRaw,
    open: async (request) => (await import('./camera-raw/open-camera-raw.ts')).openCameraRaw(request),
  },
  { is: isTiff, open: async (request) => (await import('./tiff/open-tiff.ts')).openTiff(request) },
  { is: isJxl, open: openJxl },
  { is: isJpeg2000, open: openJpeg2000 },
  { is: isPsd, open: openPsd },
  { is: isQoi, open: openQoi },
  { is: isIcns, open: openIcns },
  { is: isPnm, open: openPnm },
  { is: isDicom, open: async (request) => (await import('./dicom/open-dicom.ts')).openDicom(request) },
  { is: isBmp, open: openBmp },
  { is: isSvg, open: async (request) => (await import('./svg/svg.ts')).openSvg(request) },
  { is: isSvgz, open: openSvgz },
  { is: isPdf, open: async (request) => (await import('./pdf/open-pdf.ts')).openPdf(request) },
  { is: isIco, open: ({ bytes, name }) => openWithSkia(readIco({ bytes, name }), name) },
  { is: isTga, open: openTga },
];

function openWebp({ bytes, name }: OpenRequest): Opened | Promise<Opened> {
  const webp = readWebp(bytes);
  const still = openWithSkia(webp, name);
  return webp.animated ? openWithVips({ bytes: webp.bytes, name, format: 'WebP' }) : still;
}
