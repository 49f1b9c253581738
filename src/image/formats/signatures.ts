/* oxlint-disable no-control-regex -- formats are told by such bytes */
import { ascii } from './opened.ts';

/** What files of pictures are called and how they begin; a format without a beginning shares its own with others. */
interface Kind {
  name: string;
  extensions: readonly string[];
  beginnings: readonly RegExp[];
}

const cameras = '3fr arw cr2 cr3 crw dng erf iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f'.split(
  ' ',
);

export const pictureKinds: readonly Kind[] = [
  { name: 'PNG', extensions: ['png', 'apng'], beginnings: [/^\x89PNG\r\n/] },
  { name: 'JPEG', extensions: ['jpg', 'jpeg', 'jfif', 'jpe'], beginnings: [/^\xff\xd8\xff/] },
  { name: 'WebP', extensions: ['webp'], beginnings: [/^RIFF.{4}WEBP/s] },
  { name: 'GIF', extensions: ['gif'], beginnings: [/^GIF8[79]a/] },
  { name: 'AVIF', extensions: ['avif', 'avifs'], beginnings: [/^.{4}ftypavi[fs]/s] },
  { name: 'HEIC', extensions: ['heic', 'heif', 'hif'], beginnings: [/^.{4}ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1)/s] },
  { name: 'TIFF', extensions: ['tif', 'tiff'], beginnings: [/^(II[*+]\0|MM\0[*+])/] },
  { name: 'BMP', extensions: ['bmp', 'dib'], beginnings: [/^BM.{12}[\f(48@l|]\0\0\0/s] }, // the lengths of its headers
  { name: 'ICO', extensions: ['ico', 'cur'], beginnings: [/^\0\0[\u0001\u0002]\0[^\0]\0/] },
  {
    name: 'SVG',
    extensions: ['svg', 'svgz'],
    beginnings: [/^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--[^>]*-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i],
  },
  { name: 'PDF', extensions: ['pdf'], beginnings: [/^%PDF-/] },
  { name: 'JPEG XL', extensions: ['jxl'], beginnings: [/^\xff\n/, /^\0{3}\fJXL \r\n\x87\n/] },
  {
    name: 'JPEG 2000',
    extensions: ['jp2', 'j2k', 'jpf', 'jpx', 'j2c', 'jpc'],
    beginnings: [/^\xff\x4f\xff\x51/, /^\0{3}\fjP {2}\r\n\x87\n/],
  },
  { name: 'PSD', extensions: ['psd', 'psb'], beginnings: [/^8BPS\0[\u0001\u0002]/] },
  { name: 'PNM', extensions: ['pbm', 'pgm', 'ppm', 'pnm', 'pam', 'pfm'], beginnings: [] },
  { name: 'TGA', extensions: ['tga'], beginnings: [] },
  { name: 'QOI', extensions: ['qoi'], beginnings: [/^qoif/] },
  { name: 'DICOM', extensions: ['dcm', 'dicom'], beginnings: [/^.{128}DICM/s] },
  { name: 'ICNS', extensions: ['icns'], beginnings: [/^icns/] },
  {
    name: "cameras' raw files",
    extensions: cameras,
    beginnings: [/^(FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0|FOVb)/, /^.{4}ftypcrx /s],
  },
];

/** Names of pictures, so that a broken one is an error and not left out in silence. */
export const pictureName = new RegExp(`\\.(${pictureKinds.flatMap(({ extensions }) => extensions).join('|')})$`, 'i');

/** Bytes of a file that are enough to tell. */
export const openingBytes = 512;

/** Whether a file that begins so is a picture, whole or not. Asks no decoder, so that looking through a folder is safe. */
export function looksLikePicture(opening: Uint8Array): boolean {
  const text = ascii(opening, 0, openingBytes);
  return pictureKinds.some(({ beginnings }) => beginnings.some((beginning) => beginning.test(text)));
}
