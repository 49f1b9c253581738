/* oxlint-disable no-control-regex -- formats are told by such bytes */
import { PixtralError } from '../../base/errors.ts';
import { ascii } from './opened.ts';

/** A format of pictures or drawings that no decoder here reads, and what turns it into one that is read. */
interface OtherPicture {
  start: RegExp;
  /** With its article. */
  is: string;
  remedy: (name: string) => string;
}

const magick = (name: string): string => `magick ${name} picture.png`;
/** Its layers would be a picture each. */
const flattened = (name: string): string => `magick ${name} -flatten picture.png`;
const gimp = (): string => 'GIMP, which opens it and exports it as PNG';
const ghostscript = (name: string): string => `gs -sDEVICE=png16m -r300 -dEPSCrop -o page-%d.png ${name}`;
const inkscape = (name: string): string => `inkscape ${name} --export-filename=picture.svg`;
const ffmpeg = (name: string): string => `ffmpeg -i ${name} picture.png`;

const others: readonly OtherPicture[] = [
  { start: /^(\xc5\xd0\xd3\xc6|\s{0,8}%!PS)/, is: 'an EPS or PostScript file', remedy: ghostscript },
  { start: /^\xd7\xcd\xc6\x9a|^[\u0001\u0002]\0\t\0\0[\u0001\u0003]/, is: 'a WMF drawing', remedy: inkscape },
  { start: /^\u0001\0\0\0.{36} EMF/s, is: 'an EMF drawing', remedy: inkscape },
  { start: /^AT&TFORM/, is: 'a DjVu document', remedy: (name) => `ddjvu -format=tiff ${name} pages.tif` },
  { start: /^gimp xcf/, is: "a picture of GIMP's (XCF)", remedy: flattened },
  { start: /^SIMPLE {2}= {20}T/, is: 'a FITS picture', remedy: magick },
  { start: /^\x76\x2f\x31\u0001/, is: 'an OpenEXR picture', remedy: magick },
  { start: /^#\?(RADIANCE|RGBE)/, is: 'a Radiance HDR picture', remedy: magick },
  { start: /^DDS \|/, is: 'a DDS texture', remedy: magick },
  { start: /^\xabKTX [12][01]\xbb/, is: 'a KTX texture', remedy: (name) => `ktx extract ${name} picture.png` },
  { start: /^\x13\xab\xa1\x5c/, is: 'an ASTC texture', remedy: (name) => `astcenc -dl ${name} picture.png` },
  { start: /^II\xbc[\0\u0001]/, is: 'a JPEG XR picture', remedy: (name) => `JxrDecApp -i ${name} -o picture.tif` },
  { start: /^BPG\xfb/, is: 'a BPG picture', remedy: (name) => `bpgdec -o picture.png ${name}` },
  { start: /^FLIF/, is: 'a FLIF picture', remedy: (name) => `flif -d ${name} picture.png` },
  { start: /^\n[\0\u0002-\u0005]\u0001[\u0001\u0002\u0004\b]/, is: 'a PCX picture', remedy: magick },
  { start: /^\u0001\xda[\0\u0001][\u0001\u0002]/, is: 'an SGI picture', remedy: magick },
  { start: /^\x59\xa6\x6a\x95/, is: 'a Sun raster picture', remedy: magick },
  { start: /^\x8aMNG\r\n|^\x8bJNG\r\n/, is: 'an MNG or JNG picture', remedy: magick },
  { start: /^(SDPX|XPDS)/, is: 'a DPX picture', remedy: ffmpeg },
  { start: /^\x80\x2a\x5f\xd7/, is: 'a Cineon picture', remedy: magick },
  { start: /^FORM.{4}(ILBM|PBM )/s, is: 'an IFF picture (ILBM)', remedy: ffmpeg },
  { start: /^RIFF.{4}CDR/s, is: 'a CorelDRAW drawing', remedy: inkscape },
  { start: /^Paint Shop Pro Image File/, is: "a picture of Paint Shop Pro's", remedy: gimp },
  { start: /^\/\* XPM \*\//, is: 'an XPM picture', remedy: magick },
  { start: /^#define \S+_width \d/, is: 'an XBM picture', remedy: magick },
  { start: /^(\u001f\x8b)/, is: 'a file packed with gzip', remedy: (name) => `gunzip --keep ${name}` },
];

const openingLength = 160;

export function otherPicture(bytes: Uint8Array): OtherPicture | undefined {
  const opening = ascii(bytes, 0, openingLength);
  return others.find(({ start }) => start.test(opening));
}

export function notRead(name: string, { is, remedy }: OtherPicture): PixtralError {
  return new PixtralError('input', `${name}: is ${is}, which is not read here, expected a picture`, {
    hint: `convert it first, for example with: ${remedy(name)}`,
  });
}
