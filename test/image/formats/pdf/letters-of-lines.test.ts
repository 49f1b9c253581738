import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { decodeFile } from '../../../helpers/pictures.ts';
import { makePdf } from '../../../helpers/make-pdf.ts';
import { rgbOf } from '../../../helpers/pixels.ts';

type Rgb = [number, number, number];
const green: Rgb = [0, 255, 0];
const blue: Rgb = [0, 0, 255];
const red: Rgb = [255, 0, 0];

/** The colours of a letter whose drawing is a cross of thick lines, or what is given; areas are green, lines blue. */
async function shown(
  drawing: string,
  { others = '', isPacked = false } = {},
): Promise<{ colours: Rgb[]; said: number }> {
  const bytes = Buffer.from(drawing);
  const letter = isPacked ? { entries: '/Filter /FlateDecode', bytes: deflateSync(bytes) } : { entries: '', bytes };
  const font =
    '<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1000 1000] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 65 /LastChar 66 /Widths [1000 1000] /Encoding << /Differences [65 /A /B] >> /CharProcs << /A 1000 0 R /B 1001 0 R >> /Resources << >> >>';
  const page = await decodeFile(
    makePdf([
      {
        size: [100, 100],
        content: '0 1 0 rg 0 0 1 RG BT /T 100 Tf (A) Tj ET',
        fonts: { T: font },
        images: { A: letter, B: { entries: '', bytes: Buffer.from(others) } },
      },
    ]),
  );
  const rgb = rgbOf(page);
  const at = (x: number, y: number): Rgb => [...rgb.subarray((y * 1024 + x) * 3, (y * 1024 + x) * 3 + 3)] as Rgb;
  const said = (page.warnings ?? []).filter((warning) => warning.includes('letters (Type 3)')).length;
  return { colours: [at(512, 512), at(512, 900)], said };
}

test('letters that are drawn with lines have the colour of lines', async () => {
  const lines = '1000 0 d0 200 w 0 500 m 1000 500 l S';
  for (const isPacked of [false, true]) {
    const { colours, said } = await shown(lines, { isPacked });
    assert.deepEqual([colours[0], said], [blue, 0]);
  }
});

test('letters of areas, stencils and those with colours of their own keep theirs', async () => {
  const [area] = (await shown('1000 0 d0 0 400 1000 200 re f')).colours;
  assert.deepEqual(area, green);
  const [stencil] = (await shown('1000 0 0 0 1000 1000 d1 200 w 0 500 m 1000 500 l S')).colours;
  assert.deepEqual(stencil, green);
  const [own] = (await shown('1000 0 d0 1 0 0 RG 200 w 0 500 m 1000 500 l S')).colours;
  assert.deepEqual(own, red);
});

test('letters of lines and areas are named, wherever the areas are', async () => {
  const both = await shown('1000 0 d0 200 w 0 500 m 1000 500 l S 0 0 1000 200 re f');
  assert.deepEqual([both.colours[1], both.said], [green, 1]);
  const elsewhere = await shown('1000 0 d0 200 w 0 500 m 1000 500 l S', { others: '1000 0 d0 0 0 9 9 re f' });
  assert.equal(elsewhere.said, 1);
});
