/* oxlint-disable no-control-regex -- formats are told by such bytes */
import { PixtralError } from '../../base/errors.ts';
import { ascii } from './opened.ts';
import { unmarkedBitmaps } from './unmarked-bitmaps.ts';

/** A format of pictures or drawings that no decoder here reads, and what turns it into one that is read. */
interface OtherPicture {
  /** With its article. */
  is: string;
  remedy: (name: string) => string;
}

interface MarkedPicture extends OtherPicture {
  start: RegExp;
  /** The name of a file that has to be in it, where the beginning is that of any ZIP file. */
  holds?: string;
}

const magick = (name: string): string => `magick ${name} picture.png`;
/** Its layers would be a picture each. */
const flattened = (name: string): string => `magick ${name} -flatten picture.png`;
const gimp = (): string => 'GIMP, which opens it and exports it as PNG';
const ghostscript = (name: string): string => `gs -sDEVICE=png16m -r300 -dEPSCrop -o page-%d.png ${name}`;
const inkscape = (name: string): string => `inkscape ${name} --export-filename=picture.svg`;
const gdal = (name: string): string => `gdal_translate -of PNG -ot Byte -scale ${name} picture.png`;
const vips = (name: string): string => `vips copy ${name} picture.png`;
const office = (name: string): string => `soffice --headless --convert-to pdf ${name}`;
const xps = (name: string): string => `xpstopdf ${name} pages.pdf`;
const book = (name: string): string => `ebook-convert ${name} book.pdf`;
const octave = (): string => 'Octave or MATLAB, with imwrite';
const pcl = (name: string): string => `gpcl6 -sDEVICE=pdfwrite -o pages.pdf ${name}`;
const ffmpeg = (name: string): string => `ffmpeg -i ${name} picture.png`;

const others: readonly MarkedPicture[] = [
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
  { start: /^\n[\0\u0002-\u0005][\0\u0001][\u0001\u0002\u0004\b\u0010\u0018]/, is: 'a PCX picture', remedy: magick },
  { start: /^\u0001\xda[\0\u0001][\u0001\u0002]/, is: 'an SGI picture', remedy: magick },
  { start: /^\x59\xa6\x6a\x95/, is: 'a Sun raster picture', remedy: magick },
  { start: /^\x8aMNG\r\n|^\x8bJNG\r\n/, is: 'an MNG or JNG picture', remedy: magick },
  { start: /^(SDPX|XPDS)/, is: 'a DPX picture', remedy: ffmpeg },
  { start: /^\x80\x2a\x5f\xd7/, is: 'a Cineon picture', remedy: magick },
  { start: /^FORM.{4}(ILBM|PBM )/s, is: 'an IFF picture (ILBM)', remedy: ffmpeg },
  { start: /^RIFF.{4}CDR/s, is: 'a CorelDRAW drawing', remedy: inkscape },
  { start: /^Paint Shop Pro Image File/, is: "a picture of Paint Shop Pro's", remedy: gimp },
  { start: /^\/\* XPM \*\//, is: 'an XPM picture', remedy: magick },
  { start: /^(?:\/\*[^*]*\*\/\s*)?#define\s+\S*width\s+\d/, is: 'an XBM picture', remedy: magick },
  { start: /^\0\0\0[\x28-\xff]\0\0\0\u0007\0\0\0[\0-\u0002]/, is: 'an X window dump (XWD)', remedy: magick },
  { start: /^.{522}(\0\x11\x02\xff|\x11\u0001)/s, is: 'a PICT drawing of a Macintosh', remedy: magick },
  { start: /^.{2048}PCD_IPI/s, is: 'a Photo CD picture', remedy: magick },
  { start: /^id=ImageMagick/, is: "a picture of ImageMagick's (MIFF)", remedy: magick },
  { start: /^LBLSIZE=\d/, is: 'a VICAR picture', remedy: gdal },
  { start: /^(NITF0|NSIF0)\d\.\d\d/, is: 'a NITF picture', remedy: gdal },
  { start: /^EHFA_HEADER_TAG/, is: "a picture of ERDAS Imagine's (HFA)", remedy: gdal },
  { start: /^PCIDSK {2}/, is: 'a PCIDSK picture', remedy: gdal },
  { start: /^\xab\u0001[\u0001\u0002][\u0001-\u0005]/, is: 'a VIFF picture', remedy: magick },
  { start: /^(\x08\xf2\xa6\xb6|\xb6\xa6\xf2\x08)/, is: "a picture of libvips's", remedy: vips },
  { start: /^MATLAB 5\.0 MAT-file/, is: 'a file of MATLAB', remedy: octave },
  { start: /^(\x1bP|\x90)[\d;]*q/, is: 'a picture for terminals (sixel)', remedy: magick },
  { start: /^\x89HDF\r\n/, is: 'an HDF5 file', remedy: gdal },
  { start: /^CDF[\u0001\u0002\u0005]/, is: 'a NetCDF file', remedy: gdal },
  { start: /^SQLite format 3\0/, is: 'a database (SQLite)', remedy: gdal },
  { start: /^ncols\s+\d+\s+nrows\s+\d/i, is: 'a grid of numbers (ArcInfo)', remedy: gdal },
  { start: /^AutoCAD Slide/, is: 'a slide of AutoCAD', remedy: inkscape },
  { start: /^\x1b(E|%-12345X|\*[rt]\d|&l)/, is: 'a file for printers (PCL)', remedy: pcl },
  { start: /^PK\u0003\u0004/, holds: 'word/document.xml', is: 'a Word document', remedy: office },
  { start: /^PK\u0003\u0004/, holds: 'ppt/presentation.xml', is: 'a PowerPoint presentation', remedy: office },
  { start: /^PK\u0003\u0004/, holds: 'xl/workbook.xml', is: 'an Excel workbook', remedy: office },
  { start: /^PK\u0003\u0004/, holds: 'visio/document.xml', is: 'a Visio drawing', remedy: office },
  { start: /^PK\u0003\u0004/, holds: 'FixedDocSeq.fdseq', is: 'an XPS document', remedy: xps },
  { start: /^PK.{28}mimetypeapplication\/vnd\.oasis\./s, is: 'an OpenDocument file', remedy: office },
  { start: /^PK.{28}mimetypeapplication\/epub/s, is: 'an e-book (EPUB)', remedy: book },
  { start: /^\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1/, is: 'a document of an older Office', remedy: office },
  { start: /^\{\\rtf\d/, is: 'an RTF document', remedy: office },
  { start: /^(\u001f\x8b)/, is: 'a file packed with gzip', remedy: (name) => `gunzip --keep ${name}` },
];

const openingLength = 2100;

export function otherPicture(bytes: Uint8Array): OtherPicture | undefined {
  const opening = ascii(bytes, 0, openingLength);
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const marked = others.find(
    ({ start, holds }) => start.test(opening) && (holds === undefined || whole.includes(holds)),
  );
  return marked ?? unmarkedBitmaps.find(({ test }) => test(bytes));
}

export function notRead(name: string, { is, remedy }: OtherPicture): PixtralError {
  return new PixtralError('input', `${name}: is ${is}, which is not read here, expected a picture`, {
    hint: `convert it first, for example with: ${remedy(name)}`,
  });
}
