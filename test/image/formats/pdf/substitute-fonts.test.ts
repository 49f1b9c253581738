import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makePdf } from '../../../helpers/make-pdf.ts';
import { decodeFile } from '../../../helpers/pictures.ts';
import { darkShare } from '../../../helpers/pixels.ts';

/** Only PDFium's and the packages' fonts: a machine's own would show more on one than on another. */
const before_ = process.env['PIXTRAL_FONTS'];
before(() => (process.env['PIXTRAL_FONTS'] = ''));
after(() => {
  if (before_ === undefined) delete process.env['PIXTRAL_FONTS'];
  else process.env['PIXTRAL_FONTS'] = before_;
});

const descriptor = (name: string, flags: number): string =>
  `<< /Type /FontDescriptor /FontName /${name} /Flags ${flags} /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 752 /Descent -271 /CapHeight 737 /StemV 58 >>`;

/** A font of one byte a letter, whose letters A, B, C... are these glyphs. */
function byGlyphNames(base: string, names: readonly string[], subtype = 'TrueType'): string {
  const widths = names.map(() => 600).join(' ');
  const differences = names.map((name) => `/${name}`).join(' ');
  return `<< /Type /Font /Subtype /${subtype} /BaseFont /${base} /FirstChar 65 /LastChar ${64 + names.length} /Widths [${widths}] /FontDescriptor ${descriptor(base, 32)} /Encoding << /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [65 ${differences}] >> >>`;
}

/** A font of an Asian character collection, in two bytes of Unicode. */
function ofCollection(base: string, { cmap, ordering }: { cmap: string; ordering: string }): string {
  const system = `<< /Registry (Adobe) /Ordering (${ordering}) /Supplement 2 >>`;
  return `<< /Type /Font /Subtype /Type0 /BaseFont /${base} /Encoding /${cmap} /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /${base} /CIDSystemInfo ${system} /DW 1000 /FontDescriptor ${descriptor(base, 6)} >>] >>`;
}

const show = (font: string, text: string) =>
  decodeFile(makePdf([{ size: [300, 100], content: `BT /F 40 Tf 20 30 Td ${text} Tj ET`, fonts: { F: font } }]));
const utf16 = (text: string): string => `<${Buffer.from(text, 'utf16le').swap16().toString('hex')}>`;

const unicodeNames = (text: string): string[] =>
  Array.from(text, (letter) => `uni${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`);

const scripts: [name: string, font: string, text: string][] = [
  ['Cyrillic', byGlyphNames('Arial', ['afii10017', 'afii10018', 'afii10019', 'afii10020', 'afii10021']), '(ABCDE)'],
  ['Cyrillic in Times', byGlyphNames('TimesNewRoman', unicodeNames('Привет')), '(ABCDEF)'],
  ['Cyrillic in Courier', byGlyphNames('Courier', unicodeNames('Привет'), 'Type1'), '(ABCDEF)'],
  ['Cyrillic in a font of nobody', byGlyphNames('Unheard', unicodeNames('Привет')), '(ABCDEF)'],
  ['Greek', byGlyphNames('Helvetica', ['Alpha', 'Beta', 'Gamma', 'Sigma', 'Omega', 'pi'], 'Type1'), '(ABCDEF)'],
  ['Czech and Polish', byGlyphNames('Arial', ['zcaron', 'lslash', 'uring', 'tcaron', 'ccaron']), '(ABCDE)'],
  ['Vietnamese', byGlyphNames('Arial', unicodeNames('ếộữạ')), '(ABCD)'],
  ['Turkish', byGlyphNames('Arial', ['Gbreve', 'Idotaccent', 'scedilla', 'dotlessi']), '(ABCD)'],
  ['Hebrew', byGlyphNames('Arial', unicodeNames('שלום')), '(ABCD)'],
  ['Arabic', byGlyphNames('Arial', unicodeNames('سلام')), '(ABCD)'],
  ['Armenian', byGlyphNames('Arial', unicodeNames('Երևան')), '(ABCDE)'],
  ['Chinese', ofCollection('STSong-Light', { cmap: 'UniGB-UCS2-H', ordering: 'GB1' }), utf16('中文发票号码')],
  ['Chinese of Taiwan', ofCollection('MSung-Light', { cmap: 'UniCNS-UCS2-H', ordering: 'CNS1' }), utf16('中文發票')],
  ['Japanese', ofCollection('HeiseiMin-W3', { cmap: 'UniJIS-UCS2-H', ordering: 'Japan1' }), utf16('日本語かなカナ')],
  ['Korean', ofCollection('HYSMyeongJo-Medium', { cmap: 'UniKS-UCS2-H', ordering: 'Korea1' }), utf16('한국어문서')],
];

for (const [name, font, text] of scripts) {
  test(`${name} whose font is not in the file is drawn, letter by letter`, async () => {
    const pixels = await show(font, text);
    assert.deepEqual(pixels.warnings, []);
    assert.ok(darkShare(pixels) > 0.02, `${darkShare(pixels)}`);
    const lines = pixels.lines(0, pixels.height);
    assert.ok(countStretches({ ...pixels, lines }) >= 3, 'several letters beside each other');
  });
}

test('letters that no font has are named, with their script', async () => {
  const thai = await show(byGlyphNames('Arial', unicodeNames('กขค')), '(ABC)');
  assert.deepEqual(thai.warnings, [
    '3 letters are not drawn, since neither the file nor this machine has a font with ก ข ค (Thai)',
  ]);
  const mixed = await show(byGlyphNames('Arial', ['a', ...unicodeNames('ก'), 'b']), '(ABC)');
  assert.deepEqual(mixed.warnings, [
    '1 letter is not drawn, since neither the file nor this machine has a font with ก (Thai)',
  ]);
  assert.ok(darkShare(mixed) > 0.005);
});

/** How often columns with ink follow on one without. */
function countStretches({ width, height, lines }: { width: number; height: number; lines: Uint8Array }): number {
  const inked = Array.from({ length: width }, (_, x) =>
    Array.from({ length: height }, (_, y) => lines[(y * width + x) * 4]!).some((value) => value < 128),
  );
  return inked.filter((value, x) => value && !inked[x - 1]).length;
}
