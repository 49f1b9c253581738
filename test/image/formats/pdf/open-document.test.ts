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

test('ink for no plate is said, in images and fills, alone and among others', async () => {
  const page = (space: string) =>
    makePdf([
      { size, content: '/S cs 1 sc 0 0 50 50 re f', entries: `/Resources << /ColorSpace << /S ${space} >> >>` },
    ]);
  const tint = '<< /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>';
  const warning = 'has ink for no plate (None), which is drawn although nobody should see it';
  const said = async (space: string) => ((await decodeFile(page(space))).warnings ?? []).includes(warning);
  assert.equal(await said(`[/Separation /None /DeviceGray ${tint}]`), true);
  assert.equal(await said(`[/Separation/None/DeviceGray ${tint}]`), true);
  assert.equal(await said(`[/DeviceN [/None] /DeviceGray ${tint}]`), true);
  assert.equal(await said(`[/Separation /Nonesuch /DeviceGray ${tint}]`), false);
  assert.equal(await said(`[/Separation /Spot /DeviceGray ${tint}]`), false);
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
