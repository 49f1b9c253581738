import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { soughtIn } from '../../../../src/image/formats/pdf/packed-objects.ts';
import { decodeFile } from '../../../helpers/pictures.ts';
import { makePdf } from '../../../helpers/make-pdf.ts';
import { rgbOf } from '../../../helpers/pixels.ts';

const size = [100, 100] as const;
/** A red page on layer 3000, whose own word is in `usage`; `state` is the document's list. */
const layered = (state: string, usage: string, more: readonly string[] = []): Buffer =>
  makePdf(
    [
      {
        size,
        content: '/OC /L BDC 1 0 0 rg 0 0 100 100 re f EMC',
        images: {},
        entries: '/Resources << /Properties << /L 3000 0 R >> >>',
      },
    ],
    {
      catalog: `/OCProperties << /OCGs [3000 0 R] /D << /Order [3000 0 R] ${state} >> >>`,
      objects: [`<< /Type /OCG /Name (layer) /Usage ${usage} >>`, ...more],
    },
  );
const isRed = async (bytes: Uint8Array): Promise<boolean> => {
  const rgb = rgbOf(await decodeFile(bytes));
  return rgb[0]! > 200 && rgb[1]! < 50;
};

test("a document's list of layers counts before what a layer says of itself, unless the document asks for that", async () => {
  const on = '<< /View << /ViewState /ON >> >>';
  const off = '<< /View << /ViewState /OFF >> >>';
  const asked = '/AS [<< /Event /View /Category [/View] /OCGs [3000 0 R] >>]';
  const printed = '/AS [<< /Event /Print /Category [/Print] /OCGs [3000 0 R] >>]';
  assert.equal(await isRed(layered('', on)), true);
  assert.equal(await isRed(layered('', off)), true);
  assert.equal(await isRed(layered('/OFF [3000 0 R]', on)), false);
  assert.equal(
    await isRed(layered('/OFF [3000 0 R]', '3001 0 R', ['<< /View 3002 0 R >>', '<< /ViewState /ON >>'])),
    false,
  );
  assert.equal(await isRed(layered('/BaseState /OFF', on)), false);
  assert.equal(await isRed(layered(`/OFF [3000 0 R] ${printed}`, on)), false);
  assert.equal(await isRed(layered(`/OFF [3000 0 R] ${asked}`, on)), true);
  assert.equal(await isRed(layered(asked, off)), false);
});

/** Red under half a page of ink in this space, and under an image in it. */
const inked = (space: string, samples: number) => {
  const tint = '<< /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>';
  const entries = `/Resources << /ColorSpace << /S [${space} /DeviceGray ${tint}] >> /XObject << /I 1000 0 R >> >>`;
  const image = {
    entries: `/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace [${space} /DeviceGray ${tint}]`,
    bytes: Buffer.alloc(samples, 255),
  };
  const full = Array.from({ length: samples }, () => '1').join(' ');
  const content = `1 0 0 rg 0 0 100 100 re f /S cs ${full} sc 0 0 50 100 re f q 50 0 0 100 50 0 cm /I Do Q`;
  return makePdf([{ size, content, entries, images: { I: image } }]);
};

test('ink for no plate is not to be seen, in images and fills, alone and among others', async () => {
  const red = async (space: string, samples: number) => {
    const page = await decodeFile(inked(space, samples));
    const rgb = rgbOf(page);
    const isSaid = (page.warnings ?? []).some((warning) => warning.startsWith('has an image in ink for no plate'));
    assert.equal(isSaid, /None\b/.test(space));
    return [0.25, 0.75].map((x) => rgb[(512 * page.width + Math.round(x * page.width)) * 3]! > 200);
  };
  assert.deepEqual(await red('/Separation /None', 1), [true, true]);
  assert.deepEqual(await red('/Separation/None', 1), [true, true]);
  assert.deepEqual(await red('/DeviceN [/None]', 1), [true, true]);
  assert.deepEqual(await red('/DeviceN [/None /None]', 2), [true, true]);
  assert.deepEqual(await red('/Separation /Nonesuch', 1), [false, false]);
  assert.deepEqual(await red('/Separation /Spot', 1), [false, false]);
});

test('ink for no plate in gradients, and in pictures within a drawing, is named', async () => {
  const tint = '<< /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>';
  const none = `[/Separation /None /DeviceGray ${tint}]`;
  const said = async (content: string, gradient = '/DeviceGray') => {
    const shading = `<< /ShadingType 2 /ColorSpace ${gradient} /Coords [0 0 100 0] /Function ${tint} >>`;
    const entries = `/Resources << /ColorSpace << /S ${none} >> /Shading << /H ${shading} >> >>`;
    const { warnings = [] } = await decodeFile(makePdf([{ size, content, entries }]));
    return warnings.includes('has ink for no plate (None), which is drawn although nobody should see it');
  };
  assert.equal(await said('/H sh', none), true);
  assert.equal(await said('/H sh'), false);
  assert.equal(await said('q 9 0 0 9 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /S ID x EI Q'), true);
  assert.equal(await said('q 9 0 0 9 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q'), false);
});

test('a form in XFA that its pages do not show is named; one whose pages show it is not', async () => {
  const said = async (entries: string, root = '') => {
    const page = { size, content: 'BT /F1 20 Tf 10 50 Td (Please wait) Tj ET' };
    const catalog = `/AcroForm << /Fields [] ${entries} >> ${root}`;
    const objects = ['<< /Length 11 >>\nstream\n<xdp:xdp />\nendstream'];
    const { warnings = [] } = await decodeFile(makePdf([page], { catalog, objects }));
    return warnings.includes('is a form in XFA, of which only the pages for other programs are shown');
  };
  assert.equal(await said('/XFA 3000 0 R', '/NeedsRendering true'), true);
  assert.equal(await said('/XFA [(template) 3000 0 R]', '/NeedsRendering true'), true);
  assert.equal(await said('/XFA 3000 0 R'), false);
  assert.equal(await said(''), false);
});

test('numbers of colours in a JPEG 2000 of four bits are those of its palette, whatever the dictionary says of bits', async () => {
  // 0 to 3 above 12 to 15, by opj_compress.
  const bytes = Buffer.from(
    '/0//UQApAAAAAAAEAAAAAgAAAAAAAAAAAAAABAAAAAIAAAAAAAAAAAABAwEB/1IADAAAAAEAAAQEAAH/XAAEQCD/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjD/kAAKAAAAAAAWAAH/k98gUAegfJsH/9k=',
    'base64',
  );
  const colours = Array.from({ length: 16 }, (_, index) => [index * 16, 255 - index * 16, 40]).flat();
  const palette = `[/Indexed /DeviceRGB 15 <${Buffer.from(colours).toString('hex')}>]`;
  for (const bits of ['', '/BitsPerComponent 8', '/BitsPerComponent 4', '/BitsPerComponent 1']) {
    const entries = `/Type /XObject /Subtype /Image /Width 4 /Height 2 ${bits} /Filter /JPXDecode /ColorSpace ${palette}`;
    const images = { I: { entries, bytes } };
    const page = await decodeFile(makePdf([{ size: [100, 50], content: '100 0 0 50 0 0 cm /I Do', images }]));
    const at = (x: number, y: number): number[] => {
      const start = (Math.floor(page.height * y) * page.width + Math.floor(page.width * x)) * 3;
      return [...rgbOf(page).subarray(start, start + 3)];
    };
    assert.deepEqual(
      [at(0.1, 0.2), at(0.9, 0.2), at(0.1, 0.8), at(0.9, 0.8)],
      [0, 3, 12, 15].map((index) => colours.slice(index * 3, index * 3 + 3)),
      bits,
    );
  }
});

test('tiles of a pattern stand where their steps say, whatever their size in pixels', async () => {
  // Half of each tile of 1.7 points is black: 17.4 pixels, of which PDFium would make 18.
  const tile = (step: string) => ({
    entries: `/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1.7 1.7] /XStep ${step} /YStep 1.7 /Resources << >>`,
    bytes: Buffer.from('0 0 0.85 1.7 re f'),
  });
  const content = '/Pattern cs /P scn 0 0 100 100 re f';
  const entries = '/Resources << /Pattern << /P 1000 0 R >> >>';
  for (const step of ['1.7', '3000 0 R']) {
    const bytes = makePdf([{ size, content, entries, images: { P: tile(step) } }], { objects: ['1.7'] });
    const page = await decodeFile(bytes);
    const rgb = rgbOf(page);
    const dark = Array.from({ length: page.width }, (_, x) => rgb[(500 * page.width + x) * 3]! < 128);
    const starts = dark.flatMap((isDark, x) => (isDark && !dark[x - 1] ? [x] : []));
    assert.equal(starts.length, 59);
    for (const [index, start] of starts.entries()) assert.ok(Math.abs(start - index * 17.408) <= 1.5, `${start}`);
  }
});

test('hatching is as dark as its lines make it, also where they are thinner than a pixel or their tiles overlap', async () => {
  const tile = (box: string, step: string, lines: string) => ({
    entries: `/PatternType 1 /PaintType 1 /TilingType 1 /BBox [${box}] ${step} /Resources << >>`,
    bytes: Buffer.from(lines),
  });
  const tiles = {
    thin: [tile('0 0 100 0.1', '/XStep 100 /YStep 0.37', '0 0 100 0.1 re f'), 0.1 / 0.37],
    crossed: [
      tile('-0.2 -0.2 0.6 0.6', '/XStep 0.4 /YStep 0.4', '0.15 -0.2 0.1 0.8 re f -0.2 0.15 0.8 0.1 re f'),
      7 / 16,
    ],
  } as const;
  const content = '/Pattern cs /P scn 0 0 100 100 re f';
  const entries = '/Resources << /Pattern << /P 1000 0 R >> >>';
  for (const [name, [pattern, share]] of Object.entries(tiles)) {
    const page = await decodeFile(makePdf([{ size, content, entries, images: { P: pattern } }]));
    const rgb = rgbOf(page);
    for (const start of [0, 300, 600]) {
      let dark = 0;
      for (let y = start; y < start + 64; y++) {
        for (let x = start; x < start + 64; x++) dark += 1 - rgb[(y * page.width + x) * 3]! / 255;
      }
      assert.ok(Math.abs(dark / 64 ** 2 - share) < 0.1, `${name}: ${dark / 64 ** 2} of ${share}`);
    }
  }
});

test('an image that holds its own transparency is said to be too pale', async () => {
  const warning = 'has an image that holds its own transparency (SMaskInData), and is paler than it should be';
  const said = async (entries: string) => {
    const image = { entries: `/Type /XObject /Subtype /Image /Width 1 /Height 1 ${entries}`, bytes: Buffer.from([9]) };
    const bytes = makePdf([{ size, content: 'q 9 0 0 9 0 0 cm /I Do Q', images: { I: image } }]);
    return ((await decodeFile(bytes)).warnings ?? []).includes(warning);
  };
  const plain = '/BitsPerComponent 8 /ColorSpace /DeviceGray';
  assert.equal(await said(`${plain} /SMaskInData 1`), true);
  assert.equal(await said(`${plain} /SMaskInData 0`), false);
  assert.equal(await said(plain), false);
});

test('words are found in objects that are packed, and nobody can tell where those are encrypted', () => {
  const packed = (entries: string, data: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`9 0 obj << /Type /ObjStm ${entries} >> stream\r\n`), data, Buffer.from('\nendstream')]);
  const sought = [
    { words: ['/ViewState'], pattern: /\/ViewState\b/ },
    { words: ['/None'], pattern: /\/None/ },
  ];
  const state = deflateSync('<< /View << /ViewState /ON >> >>');
  const nothing = deflateSync('<< >>');
  assert.deepEqual(soughtIn(Buffer.concat([packed('', nothing), packed('', state)]), sought), [true, false]);
  assert.deepEqual(soughtIn(packed('', Buffer.from('no such data')), sought), [false, false]);
  assert.deepEqual(soughtIn(Buffer.from('/ViewStates /None'), sought), [false, true]);
  assert.equal(soughtIn(Buffer.concat([packed('', state), Buffer.from('/Encrypt 5 0 R')]), sought), undefined);
});
