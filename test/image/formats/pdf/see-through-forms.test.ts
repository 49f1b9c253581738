import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePdf } from '../../../helpers/make-pdf.ts';
import { decodeFile } from '../../../helpers/pictures.ts';
import { rgbOf } from '../../../helpers/pixels.ts';

const group = '/Group << /S /Transparency /CS /DeviceGray >>';
const resources = [
  '/Resources << /ExtGState << /Half << /ca 0.5 >> /Mask << /SMask << /Type /Mask /S /Luminosity /G 3000 0 R >> >> ',
  '/None << /SMask /None >> >> ',
  '/XObject << /Red 3001 0 R /Outer 3002 0 R /Grouped 3003 0 R /Free 3005 0 R >> /Pattern << /Tiles 3004 0 R >> >>',
].join('');
const area = '1 0 0 rg 0 0 100 100 re f';
const drawing = (entries: string, content: string): string =>
  `<< /BBox [0 0 100 100] ${entries} ${resources} /Length ${content.length} >>\nstream\n${content}\nendstream`;
const form = (content: string, entries = ''): string => drawing(`/Type /XObject /Subtype /Form ${entries}`, content);
const tiles = drawing('/PatternType 1 /PaintType 1 /TilingType 1 /XStep 100 /YStep 100', area);
const objects = [
  form('0.5 g 0 0 100 100 re f', group),
  form(area),
  form('/Red Do'),
  form('/Red Do', group),
  tiles,
  form(`/None gs ${area}`),
];
const drawn = (content: string) =>
  decodeFile(makePdf([{ size: [100, 100], content, entries: resources }], { objects }));

const half: [name: string, content: string][] = [
  ['an area that is half as strong', `/Half gs ${area}`],
  ['an area behind a mask', `/Mask gs ${area}`],
  ['a form that is half as strong', '/Half gs /Red Do'],
  ['a form behind a mask', '/Mask gs /Red Do'],
  ['a form in a form that is half as strong', '/Half gs /Outer Do'],
  ['a form in a form behind a mask', '/Mask gs /Outer Do'],
  ['a form in a group that is half as strong', '/Half gs /Grouped Do'],
  ['a form in a group behind a mask', '/Mask gs /Grouped Do'],
  ['tiles that are half as strong', '/Half gs /Pattern cs /Tiles scn 0 0 100 100 re f'],
  ['tiles behind a mask', '/Mask gs /Pattern cs /Tiles scn 0 0 100 100 re f'],
  ['a form that is drawn after a mask has ended', 'q /Mask gs Q /Half gs /Outer Do'],
];

for (const [name, content] of half) {
  test(`the page is seen once through ${name}`, async () => {
    const page = await drawn(content);
    const [red, green, blue] = rgbOf(page);
    assert.ok(red === 255 && Math.abs(green! - 128) < 3 && Math.abs(blue! - 128) < 3, `${red} ${green} ${blue}`);
    assert.deepEqual(page.warnings, []);
  });
}

test('a form that takes off its mask is said to be paler than it should be', async () => {
  assert.deepEqual((await drawn('/Mask gs /Free Do')).warnings, [
    'has a see-through drawing with parts that are less so, which are paler than they should be',
  ]);
  assert.deepEqual((await drawn('(/Mask gs) pop q /Free Do Q')).warnings, []);
});
