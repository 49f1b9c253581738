import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PdfPage, makePdf } from '../../../helpers/make-pdf.ts';
import { decodeFile } from '../../../helpers/pictures.ts';
import { darkShare, rgbOf } from '../../../helpers/pixels.ts';

const page = (annotation: string): PdfPage => ({
  size: [300, 200],
  content: 'BT /F1 20 Tf 20 170 Td (Invoice) Tj ET',
  entries: `/Annots [${annotation}]`,
});
const bare = page('');
const look = '<< /Type /XObject /Subtype /Form /BBox [0 0 200 80] /Length 17 >>\nstream\n0 0 200 80 re f  \nendstream';
/** A black stamp; its look is object 3000, and it is on layer 3001 where `entries` say so. */
const stamp = (entries: string): string =>
  `<< /Type /Annot /Subtype /Stamp /Rect [40 40 240 120] /AP << /N 3000 0 R >> ${entries} >>`;
const layer = '<< /Type /OCG /Name (layer) /Usage << /View << /ViewState /OFF >> >> >>';

const drawnWith = (annotation: string, catalog = '', ...objects: string[]) =>
  decodeFile(makePdf([page(annotation)], { catalog, objects: [look, layer, ...objects] }));
const layers = (states: string): string => `/OCProperties << /OCGs [3001 0 R] /D << ${states} >> >>`;

const bareShapes: [kind: string, entries: string][] = [
  ['Line', '/L [50 50 250 150]'],
  ['Polygon', '/Vertices [50 40 250 40 150 150]'],
  ['PolyLine', '/Vertices [50 40 150 150 250 40]'],
  ['Ink', '/InkList [[50 50 100 150 150 60 250 150]]'],
  ['Square', ''],
  ['Circle', ''],
  ['Underline', '/QuadPoints [40 140 260 140 40 60 260 60]'],
  ['StrikeOut', '/QuadPoints [40 140 260 140 40 60 260 60]'],
];
const shape = (kind: string, entries: string): string =>
  `<< /Type /Annot /Subtype /${kind} /Rect [30 30 270 160] /C [0 0 0] /BS << /W 8 >> ${entries} >>`;

for (const [kind, entries] of bareShapes) {
  test(`a ${kind} annotation without an appearance is drawn, unless it is hidden`, async () => {
    const without = darkShare(await decodeFile(makePdf([bare])));
    const shown = await drawnWith(shape(kind, entries));
    assert.ok(darkShare(shown) > without + 0.002, `${darkShare(shown)} against ${without}`);
    assert.deepEqual(shown.warnings, []);
    for (const flags of [2, 32]) {
      assert.equal(darkShare(await drawnWith(shape(kind, `${entries} /F ${flags}`))), without);
    }
  });
}

test('a text box without an appearance shows its words', async () => {
  const box = `<< /Type /Annot /Subtype /FreeText /Rect [30 60 270 140] /Contents (Paid in cash) /DA (/Helv 30 Tf 0 g) >>`;
  const without = darkShare(await decodeFile(makePdf([bare])));
  assert.ok(darkShare(await drawnWith(box)) > without + 0.005);
});

test('a stamp without an appearance is drawn as its words, which is said, and not when it is hidden', async () => {
  const nameless = '<< /Type /Annot /Subtype /Stamp /Rect [30 30 270 100] /Name /Approved';
  const pixels = await drawnWith(`${nameless} >>`);
  assert.deepEqual(pixels.warnings, ['has a stamp without an appearance: only its words are drawn']);
  const hidden = await drawnWith(`${nameless} /F 2 >>`);
  assert.deepEqual(hidden.warnings, []);
  assert.ok(darkShare(pixels) > darkShare(hidden) + 0.01, `${darkShare(pixels)} against ${darkShare(hidden)}`);
  const thin = await drawnWith('<< /Type /Annot /Subtype /Stamp /Rect [30 30 30 30] >>');
  assert.deepEqual(thin.warnings, ['has a stamp without an appearance, which is not drawn']);
});

const onLayer = stamp('/OC 3001 0 R');
const inMembership = stamp('/OC 3002 0 R');
const visibility: [name: string, annotation: string, catalog: string, isShown: boolean, membership?: string][] = [
  ['a layer that is on', onLayer, layers('/ON [3001 0 R]'), true],
  ['a layer that is off', onLayer, layers('/OFF [3001 0 R]'), false],
  ['a layer where all are off', onLayer, layers('/BaseState /OFF'), false],
  ['a layer that is on where all are off', onLayer, layers('/BaseState /OFF /ON [3001 0 R]'), true],
  [
    'a layer that is off on a screen',
    onLayer,
    layers('/AS [<< /Event /View /Category [/View] /OCGs [3001 0 R] >>]'),
    false,
  ],
  [
    'a layer that is off on paper',
    onLayer,
    layers('/AS [<< /Event /Print /Category [/Print] /OCGs [3001 0 R] >>]'),
    true,
  ],
  ['no layer', stamp(''), layers('/OFF [3001 0 R]'), true],
  ['any of its layers', inMembership, layers('/OFF [3001 0 R]'), false, '<< /Type /OCMD /OCGs [3001 0 R] >>'],
  [
    'when its layer is off',
    inMembership,
    layers('/OFF [3001 0 R]'),
    true,
    '<< /Type /OCMD /OCGs [3001 0 R] /P /AllOff >>',
  ],
];

for (const [name, annotation, catalog, isShown, membership = ''] of visibility) {
  test(`an annotation on ${name} is ${isShown ? 'drawn' : 'not drawn'}`, async () => {
    const pixels = await drawnWith(annotation, catalog, membership || '<< >>');
    assert.equal(darkShare(pixels) > 0.1, isShown, `${darkShare(pixels)}`);
    if (!isShown) assert.deepEqual(rgbOf(pixels), rgbOf(await decodeFile(makePdf([bare]))));
  });
}

test('fields of a form without an appearance show their values', async () => {
  const without = darkShare(await decodeFile(makePdf([bare])));
  for (const field of ['/FT /Tx /V (Jane Doe)', '/FT /Ch /Ff 131072 /V (green) /Opt [(red) (green)]']) {
    const widget = `<< /Type /Annot /Subtype /Widget /T (a) ${field} /DA (/F1 18 Tf 0 g) /F 4 /Rect [20 60 280 120] >>`;
    const form = '/AcroForm << /Fields [3002 0 R] /DA (/F1 18 Tf 0 g) /DR << /Font << /F1 3 0 R >> >> >>';
    const pixels = await drawnWith('3002 0 R', form, widget);
    assert.ok(darkShare(pixels) > without + 0.001, field);
  }
});
