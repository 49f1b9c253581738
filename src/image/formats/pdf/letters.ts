import type { Pdfium, Pointer } from './pdfium.ts';
import type { Engine } from './document.ts';

/** A letter of the text layer whose font, or one for it, seems to lack its shape. */
export interface DoubtfulLetter {
  codePoint: number;
  /** In the text layer. */
  index: number;
  /** The font shows a box for what it lacks. */
  isBox: boolean;
}

export interface PageLetters {
  /** Letters and signs of the text layer that are painted. */
  count: number;
  /** All that are painted in fonts which are not in the file. */
  foreign: ReadonlySet<number>;
  doubtful: readonly DoubtfulLetter[];
  /** Fonts of signs that are not here: their signs are shown as letters. */
  signFonts: readonly string[];
}

interface FontUse {
  font: Pointer;
  /** Where each character stands in the text layer. */
  places: Map<number, number[]>;
}

/** FPDF_TEXTRENDERMODE: neither filled nor stroked, as text behind a scan is. */
const invisible = new Set([3, 7]);
const nothingToSee = /[\s\p{C}\p{Z}\p{M}]/u;

/** Reads which letters a page shows in fonts that are not in the file, and which of them what stands for the font lacks. */
export function readLetters({ pdfium, fonts }: Engine, textPage: Pointer): PageLetters {
  const { uses, count } = fontUses(pdfium, textPage);
  const foreign = uses.filter(({ font }) => pdfium.calls.FPDFFont_GetIsEmbedded(font) === 0);
  const doubtful: DoubtfulLetter[] = [];
  for (const { font, places } of foreign) {
    for (const [codePoint, indices] of places) {
      const shape = shapeOf({ pdfium, fonts }, font, codePoint);
      if (shape === 'present') continue;
      doubtful.push(...indices.map((index) => ({ codePoint, index, isBox: shape === 'box' })));
    }
  }
  const codePoints = new Set(foreign.flatMap(({ places }) => [...places.keys()]));
  return { count, foreign: codePoints, doubtful, signFonts: signFonts(pdfium, foreign) };
}

function fontUses(pdfium: Pdfium, textPage: Pointer): { uses: FontUse[]; count: number } {
  const { calls } = pdfium;
  const uses = new Map<Pointer, FontUse>();
  const fontOf = new Map<Pointer, Pointer>(); // by text object; 0: not to be seen
  let count = 0;
  for (let index = 0, length = calls.FPDFText_CountChars(textPage); index < length; index++) {
    const codePoint = calls.FPDFText_GetUnicode(textPage, index);
    if (codePoint < 0x21 || codePoint > 0x10_ff_ff || nothingToSee.test(String.fromCodePoint(codePoint))) continue;
    const object = calls.FPDFText_GetTextObject(textPage, index);
    let font = fontOf.get(object);
    if (font === undefined) {
      const isPainted = object !== 0 && !invisible.has(calls.FPDFTextObj_GetTextRenderMode(object));
      fontOf.set(object, (font = isPainted ? calls.FPDFTextObj_GetFont(object) : 0));
    }
    if (font === 0) continue;
    count++;
    let use = uses.get(font);
    if (!use) uses.set(font, (use = { font, places: new Map() }));
    const places = use.places.get(codePoint);
    if (places) places.push(index);
    else use.places.set(codePoint, [index]);
  }
  return { uses: [...uses.values()], count };
}

type Shape = 'present' | 'absent' | 'box';

/** A font that was found here may show a box for what it lacks; PDFium's own show nothing. */
function shapeOf({ pdfium, fonts }: Engine, font: Pointer, codePoint: number): Shape {
  const { calls } = pdfium;
  const path = calls.FPDFFont_GetGlyphPath(font, codePoint, 12);
  if (path === 0 || calls.FPDFGlyphPath_CountGlyphSegments(path) <= 0) return 'absent';
  return fonts.has(fontFileLength(pdfium, font), codePoint) === false ? 'box' : 'present';
}

/** 0 where its letters are drawings of their own. */
export function fontFileLength(pdfium: Pdfium, font: Pointer): number {
  return pdfium.lend(4, (length) => {
    pdfium.calls.FPDFFont_GetFontData(font, 0, 0, length);
    return pdfium.calls.pdfium.getValue(length, 'i32');
  });
}

function baseName(pdfium: Pdfium, font: Pointer): string {
  return pdfium.utf8((buffer, length) => pdfium.calls.FPDFFont_GetBaseFontName(font, buffer, length));
}

function signFonts(pdfium: Pdfium, uses: readonly FontUse[]): string[] {
  const names = uses.map(({ font }) => baseName(pdfium, font));
  return [...new Set(names.filter((name) => /wingdings|webdings|marlett|mt ?extra/i.test(name)))];
}
