import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePdf } from '../../../helpers/make-pdf.ts';
import { rgbOf } from '../../../helpers/pixels.ts';
import { decodeFile } from '../../../helpers/pictures.ts';

const nothing = '<< /Type /XObject /Subtype /Form /BBox [0 0 0 0] /Length 0 >>\nstream\n\nendstream';
const black =
  '<< /Type /XObject /Subtype /Form /BBox [0 0 60 60] /Length 20 >>\nstream\n0 g 10 10 40 40 re f \nendstream';

/** Whether anything dark stands at the left and at the right of a page with two buttons of one field. */
async function marks(fields: string, left: string, right: string): Promise<boolean[]> {
  const widget = (more: string, x: number): string =>
    `<< /Type /Annot /Subtype /Widget /F 4 /DA (/ZaDb 0 Tf 0 g) /MK << /CA (8) >> /Rect [${x} 20 ${x + 60} 80] ${more} >>`;
  const kids = '[3003 0 R 3004 0 R]';
  const bytes = makePdf([{ size: [200, 100], content: '', images: {}, entries: `/Annots ${kids}` }], {
    catalog: '/AcroForm << /DR << /Font << /ZaDb 3005 0 R >> >> /Fields [3002 0 R] >>',
    objects: [
      nothing,
      black,
      `<< /FT /Btn /T (b) /Kids ${kids} ${fields} >>`,
      widget(`/Parent 3002 0 R ${left}`, 20),
      widget(`/Parent 3002 0 R ${right}`, 120),
      '<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>',
    ],
  });
  const { width, height, ...picture } = await decodeFile(bytes);
  const rgb = rgbOf({ width, height, ...picture });
  const dark = (from: number, to: number): boolean => {
    for (let y = 0; y < height; y++) {
      for (let x = Math.round(from * width); x < to * width; x++) if (rgb[3 * (y * width + x)]! < 100) return true;
    }
    return false;
  };
  return [dark(0, 0.5), dark(0.5, 1)];
}

const states = (state: string, looks: string): string => `/AP << /N << /${state} ${looks} >> >>`;
const radio = '/Ff 49152';

for (const [what, fields, buttons, expected] of [
  [
    'a radio button that its field names',
    `${radio} /V /x`,
    [states('x', '3000 0 R'), states('y', '3000 0 R')],
    [true, false],
  ],
  ['the other one', `${radio} /V /y`, [states('x', '3000 0 R'), states('y', '3000 0 R')], [false, true]],
  ['none', radio, [states('x', '3000 0 R'), states('y', '3000 0 R')], [false, false]],
  ['a name that is written as a text', `${radio} /V (y)`, [states('x', '<< >>'), states('y', '<< >>')], [false, true]],
  [
    'a name in hexadecimal escapes',
    `${radio} /V /#FE#FF#00y`,
    [states('x', '3000 0 R'), states('#fe#ff#00#79', '3000 0 R')],
    [false, true],
  ],
  [
    'a button that says that it is on',
    radio,
    [`${states('x', '3000 0 R')} /AS /x`, states('y', '3000 0 R')],
    [true, false],
  ],
  [
    'a button that says that it is off, whatever its field says',
    '/V /x',
    [`${states('x', '3000 0 R')} /AS /Off`, states('y', '3000 0 R')],
    [false, false],
  ],
  ['looks that are there', `${radio} /V /y`, [states('x', '3001 0 R'), states('y', '3001 0 R')], [false, true]],
  ['buttons without looks', radio, ['/AS /x', '/AS /Off'], [true, false]],
] as const) {
  test(`of the buttons of a form those are marked that are on: ${what}`, async () => {
    assert.deepEqual(await marks(fields, ...(buttons as [string, string])), expected);
  });
}

test('a check box without looks that is a field of its own is on by its value', async () => {
  const bytes = (value: string): Buffer =>
    makePdf([{ size: [100, 100], content: '', images: {}, entries: '/Annots [3000 0 R]' }], {
      catalog: '/AcroForm << /DR << /Font << /ZaDb 3001 0 R >> >> /Fields [3000 0 R] >>',
      objects: [
        `<< /Type /Annot /Subtype /Widget /F 4 /FT /Btn /T (b) /V /${value} /DA (/ZaDb 0 Tf 0 g) /MK << /CA (4) >> /Rect [20 20 80 80] >>`,
      ],
    });
  const darkest = async (value: string): Promise<number> =>
    rgbOf(await decodeFile(bytes(value))).reduce((least, sample) => Math.min(least, sample), 255);
  assert.ok((await darkest('Yes')) < 100);
  assert.ok((await darkest('Off')) > 250);
});
