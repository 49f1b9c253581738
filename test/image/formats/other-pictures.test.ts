import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pictureKinds, pictureName, looksLikePicture } from '../../../src/image/formats/signatures.ts';
import { imageNames, imagePath } from '../../helpers/corpus.ts';
import { decodeFile } from '../../helpers/pictures.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const endOfLine = '000000000001';
const bitsOf = (bits: string): Buffer =>
  Buffer.from(bits.match(/.{1,8}/g)!.map((octet) => Number.parseInt(octet.padEnd(8, '0'), 2)));
const turned = (octet: number): number =>
  Number.parseInt(octet.toString(2).padStart(8, '0').split('').toReversed().join(''), 2);

const others: Readonly<Record<string, [bytes: Buffer, says: RegExp, remedy: RegExp]>> = {
  'a.eps': [latin1('%!PS-Adobe-3.0 EPSF-3.0\n'), /an EPS or PostScript file/, /^convert it first.* gs .*a\.eps$/],
  'b.eps': [latin1('\xc5\xd0\xd3\xc6\x1e\0\0\0'), /an EPS or PostScript file/, /gs /],
  'a.wmf': [latin1('\xd7\xcd\xc6\x9a\0\0'), /a WMF drawing/, /inkscape/],
  'a.emf': [latin1(`\x01\0\0\0${'x'.repeat(36)} EMF`), /an EMF drawing/, /inkscape/],
  'a.djvu': [latin1('AT&TFORM\0\0\0\x10DJVU'), /a DjVu document/, /ddjvu/],
  'a.xcf': [latin1('gimp xcf v011\0'), /a picture of GIMP's/, /magick a\.xcf -flatten picture\.png$/],
  'a.fits': [latin1(`SIMPLE  =${' '.repeat(20)}T`), /a FITS picture/, /magick/],
  'a.exr': [latin1('\x76\x2f\x31\x01\x02\0\0\0'), /an OpenEXR picture/, /magick/],
  'a.hdr': [latin1('#?RADIANCE\n'), /a Radiance HDR picture/, /magick/],
  'a.dds': [latin1('DDS |\0\0\0'), /a DDS texture/, /magick/],
  'a.jxr': [latin1('II\xbc\x01\x08\0\0\0'), /a JPEG XR picture/, /JxrDecApp/],
  'a.bpg': [latin1('BPG\xfb\0'), /a BPG picture/, /bpgdec/],
  'a.pcx': [latin1('\n\x05\x01\x08\0\0\0\0'), /a PCX picture/, /magick/],
  'b.pcx': [latin1('\n\x05\0\x08\0\0\0\0'), /a PCX picture/, /magick/],
  'a.sgi': [latin1('\x01\xda\x01\x01\0\x03'), /an SGI picture/, /magick/],
  'a.xbm': [latin1('#define a_width 16\n#define a_height 16\n'), /an XBM picture/, /magick/],
  'b.xbm': [latin1('/* made by hand */\n#define _width 16\n'), /an XBM picture/, /magick/],
  'a.cin': [latin1('\x80\x2a\x5f\xd7\0\0'), /a Cineon picture/, /magick/],
  'a.psp': [latin1('Paint Shop Pro Image File\n\x1a'), /a picture of Paint Shop Pro's/, /GIMP/],
  'a.xwd': [latin1('\0\0\0\x65\0\0\0\x07\0\0\0\x02'), /an X window dump/, /magick/],
  'a.pict': [latin1(`${'\0'.repeat(522)}\0\x11\x02\xff`), /a PICT drawing/, /magick/],
  'a.pcd': [latin1(`${'\xff'.repeat(2048)}PCD_IPI`), /a Photo CD picture/, /magick/],
  'a.miff': [latin1('id=ImageMagick  version=1.0\n'), /a picture of ImageMagick's/, /magick/],
  'a.vic': [latin1('LBLSIZE=4096            FORMAT='), /a VICAR picture/, /gdal_translate/],
  'a.ntf': [latin1('NITF02.10030000000'), /a NITF picture/, /gdal_translate/],
  'a.img': [latin1('EHFA_HEADER_TAG\0'), /a picture of ERDAS Imagine's/, /gdal_translate/],
  'a.pix': [latin1('PCIDSK          '), /a PCIDSK picture/, /gdal_translate/],
  'a.viff': [latin1('\xab\x01\x01\x03\x02\0\0\0'), /a VIFF picture/, /magick/],
  'a.v': [latin1('\x08\xf2\xa6\xb6\0\0'), /a picture of libvips's/, /vips copy/],
  'a.mat': [latin1('MATLAB 5.0 MAT-file, Platform'), /a file of MATLAB/, /Octave/],
  'a.six': [latin1('\x1bP0;0;0q"1;1;96'), /a picture for terminals/, /magick/],
  'b.six': [latin1('\x900;0;8q"1;1;96'), /a picture for terminals/, /magick/],
  'a.h5': [latin1('\x89HDF\r\n\x1a\n'), /an HDF5 file/, /gdal_translate/],
  'a.nc': [latin1('CDF\x01\0\0\0\0'), /a NetCDF file/, /gdal_translate/],
  'a.mbtiles': [latin1('SQLite format 3\0'), /a database/, /gdal_translate/],
  'a.asc': [latin1('ncols        96\nnrows        64\n'), /a grid of numbers/, /gdal_translate/],
  'a.sld': [latin1('AutoCAD Slide\r\n'), /a slide of AutoCAD/, /inkscape/],
  'a.pcl': [latin1('\x1bE\x1b&l0E'), /a file for printers/, /gpcl6/],
  'a.docx': [
    latin1('PK\x03\x04\x14\0[Content_Types].xml\0\0word/document.xml\0'),
    /a Word document/,
    /soffice .*pdf a\.docx$/,
  ],
  'a.pptx': [latin1('PK\x03\x04\x14\0[Content_Types].xml\0\0ppt/presentation.xml\0'), /a PowerPoint pres/, /soffice/],
  'a.xlsx': [latin1('PK\x03\x04\x14\0[Content_Types].xml\0\0xl/workbook.xml\0'), /an Excel workbook/, /soffice/],
  'a.vsdx': [latin1('PK\x03\x04\x14\0[Content_Types].xml\0\0visio/document.xml\0'), /a Visio drawing/, /soffice/],
  'a.xps': [latin1('PK\x03\x04\x14\0[Content_Types].xml\0\0FixedDocSeq.fdseq\0'), /an XPS document/, /xpstopdf/],
  'a.odt': [
    latin1(`PK\x03\x04${'\0'.repeat(26)}mimetypeapplication/vnd.oasis.opendocument.text`),
    /an OpenDocument/,
    /soffice/,
  ],
  'a.epub': [latin1(`PK\x03\x04${'\0'.repeat(26)}mimetypeapplication/epub+zip`), /an e-book/, /ebook-convert/],
  'a.doc': [latin1('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0'), /a document of an older Office/, /soffice/],
  'a.rtf': [latin1('{\\rtf1\\ansi hello}'), /an RTF document/, /soffice/],
  'a.wbmp': [Buffer.from([0, 0, 0x81, 0x02, 2, ...new Uint8Array(34)]), /a WBMP picture/, /magick wbmp:a\.wbmp/],
  'a.otb': [Buffer.from([0, 17, 2, 1, ...new Uint8Array(6).fill(255)]), /a picture of Nokia's/, /magick otb:/],
  'b.otb': [Buffer.from([0, 17, 2, 1, ...new Uint8Array(5).fill(255)]), /a picture of Nokia's/, /magick otb:/],
  'a.palm': [
    Buffer.from([0, 9, 0, 4, 0, 2, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, ...new Uint8Array(8)]),
    /a picture of Palm OS/,
    /magick palm:/,
  ],
  'a.rgf': [Buffer.from([9, 3, ...new Uint8Array(6).fill(255)]), /a picture of LEGO bricks/, /magick rgf:/],
  'a.jbg': [
    Buffer.from([0, 0, 1, 0, 0, 0, 0, 96, 0, 0, 0, 64, 0, 0, 0, 64, 8, 0, 3, 28, 245, 151, 95, 60]),
    /a JBIG picture/,
    /jbgtopbm/,
  ],
  'a.g3': [bitsOf(`${endOfLine}1${'00110101'.repeat(9)}`.repeat(5)), /a fax without a TIFF.* \(G3\)/, /fax2tiff -3/],
  'b.g3': [
    Buffer.from(bitsOf(`${endOfLine}1${'00110101'.repeat(9)}`.repeat(5)).map(turned)),
    /a fax without a TIFF.* \(G3\)/,
    /fax2tiff -3/,
  ],
  'a.g4': [bitsOf(`${'0010011'.repeat(9)}${endOfLine}${endOfLine}`), /a fax without a TIFF.* \(G4\)/, /fax2tiff -4/],
  'a.gz': [gzipSync('no drawing'), /a file packed with gzip/, /gunzip/],
};

for (const [name, [bytes, says, remedy]] of Object.entries(others)) {
  test(`${name} is refused by its own name with a remedy, never as damaged`, async () => {
    await assert.rejects(decodeFile(bytes, { name }), (thrown: { message: string; hint: string }) => {
      assert.match(thrown.message, new RegExp(`^${name}: is ${says.source}.*, which is not read here`));
      assert.match(thrown.hint, remedy);
      return true;
    });
  });
}

test('every file of the corpus is called like a picture, and tells by its beginning or its name that it is one', async () => {
  const unmarked = pictureKinds
    .filter(({ beginnings }) => beginnings.length === 0)
    .flatMap(({ extensions }) => extensions);
  for (const name of imageNames()) {
    assert.match(name, pictureName);
    const isMarked = looksLikePicture((await readFile(imagePath(name))).subarray(0, 512));
    assert.ok(isMarked || unmarked.includes(name.split('.').at(-1)!) || name.endsWith('.svgz'), name);
  }
});

test('a JPEG XL in the inks of a press is refused, whatever stands before its plate of black in the header', async () => {
  const says = (name: string) => ({
    message: `${name}: the JPEG XL has the inks of a press (CMYK), which is not read here`,
  });
  await assert.rejects(decodeFile(await readFile(imagePath('cmyk.jxl')), { name: 'a.jxl' }), says('a.jxl'));
  // Bits, the lowest of a number first: a square of 8 pixels, of which not all is as usual.
  const opening = '1 00000 100 0';
  const black = '0 01 0100';
  const headers = {
    preview: `1 000 0 1 1 00 100 0 000 0 10 ${black}`,
    film: `1 000 0 0 1 00 00 00 0 000 0 10 ${black}`,
    second: `0 000 0 01 0000 1 ${black}`,
  };
  for (const [name, header] of Object.entries(headers)) {
    const bits = (opening + header).replaceAll(' ', '').padEnd(400, '0');
    const bytes = Buffer.from(
      bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte.split('').toReversed().join(''), 2)),
    );
    await assert.rejects(decodeFile(Buffer.concat([Buffer.from([0xff, 0x0a]), bytes]), { name }), says(name));
  }
});

test('a DICOM whose packing is not read is refused with the command that unpacks just that', async () => {
  const plain = await readFile(imagePath('window-explicit.dcm'));
  const syntax = Buffer.from('1.2.840.10008.1.2.1\0', 'latin1');
  const at = plain.indexOf(syntax);
  for (const [number, hint] of [
    ['1.2.840.10008.1.2.4.70', 'unpack it first, for example with: dcmdjpeg FILE plain.dcm'],
    ['1.2.840.10008.1.2.4.81', 'unpack it first, for example with: dcmdjpls FILE plain.dcm'],
    ['1.2.840.10008.1.2.4.201', 'have the program that made it save it unpacked'],
  ] as const) {
    const packed = Buffer.from(number.padEnd(number.length + (number.length % 2), '\0'), 'latin1');
    const bytes = Buffer.concat([plain.subarray(0, at), packed, plain.subarray(at + syntax.length)]);
    bytes.writeUInt16LE(packed.length, at - 2);
    const grown = packed.length - syntax.length;
    bytes.writeUInt32LE(bytes.readUInt32LE(140) + grown, 140); // how long its first part is
    await assert.rejects(decodeFile(bytes, { name: 'a.dcm' }), { hint });
  }
});

test('a DICOM with any byte of its header changed is a picture or refused, also where the package throws a string', async () => {
  const bytes = await readFile(imagePath('window-implicit.dcm'));
  const header = bytes.length - 64 * 64; // its pixels come last
  for (let at = 128; at < header; at++) {
    for (const value of [1, 255]) {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      await decodeFile(changed).catch(({ code }: { code?: string }) => assert.equal(code, 'input', `${at}: ${value}`));
    }
  }
});

test('a PSD is refused whose numbers of colours have 16 bits, or whose lines are longer or shorter than it is wide', async () => {
  const grey = 1;
  const indexed = 2;
  const psd = (mode: number, bits: number, line: readonly number[]): Buffer => {
    const header = Buffer.alloc(26);
    header.write('8BPS\0\x01', 'latin1');
    for (const [at, value] of Object.entries({ 12: 1, 16: 1, 20: 2, 22: bits, 24: mode })) {
      header.writeUInt16BE(value, Number(at));
    }
    return Buffer.concat([header, Buffer.alloc(12), Buffer.from([0, 1, 0, line.length, ...line])]);
  };
  const refused = async (bytes: Buffer): Promise<string> =>
    decodeFile(bytes, { name: 'a.psd' }).then(
      () => '',
      ({ message }: Error) => message.replace('a.psd: the PSD has ', ''),
    );
  assert.equal(await refused(psd(indexed, 16, [3, 0, 0, 0, 0])), 'numbers of colours of 16 bits');
  assert.equal(await refused(psd(grey, 8, [1, 9, 9])), '');
  assert.equal(await refused(psd(grey, 8, [0, 9])), 'a line that breaks off');
  assert.equal(await refused(psd(grey, 8, [2, 9, 9, 9])), 'a line that is longer than the picture');
});

test('a PSD without its merged picture is refused by a word on layers', async () => {
  await assert.rejects(decodeFile(await readFile(imagePath('layers-only.psd')), { name: 'a.psd' }), {
    message: 'a.psd: the PSD holds only its layers and not the picture that they make, which is not read here',
  });
});

test('an SVGZ is drawn as the SVG that it holds', async () => {
  const pixels = await decodeFile(await readFile(imagePath('plain.svgz')));
  assert.deepEqual([pixels.width, pixels.height], [1024, 512]);
  assert.deepEqual([...pixels.lines(0, 1).subarray(0, 3)], [0x20, 0xa0, 0x40]);
});

test('an SVGZ that unpacks to more than anyone draws is refused without holding it', async () => {
  const bomb = gzipSync(Buffer.concat([latin1('<svg xmlns="http://www.w3.org/2000/svg">'), Buffer.alloc(2 ** 27, 32)]));
  await assert.rejects(decodeFile(bomb, { name: 'bomb.svgz' }), {
    message: /^bomb\.svgz: unpacks to more than 64 MiB/,
  });
});

test('a PAM whose last sample may be anything says that it is taken for transparency', async () => {
  const pam = (type: string): Buffer =>
    Buffer.concat([
      latin1(`P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\n${type}ENDHDR\n`),
      Buffer.from([200, 100, 0, 0]),
    ]);
  const stated = await decodeFile(pam('TUPLTYPE RGB_ALPHA\n'));
  const unstated = await decodeFile(pam(''));
  assert.deepEqual([...stated.lines(0, 1)], [...unstated.lines(0, 1)]);
  assert.equal(stated.warnings, undefined);
  assert.deepEqual(unstated.warnings, [
    'it does not say what the samples behind its colours are: they are taken for transparency',
  ]);
});
