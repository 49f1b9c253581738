import type { PdfDocument } from './document.ts';
import { fontFileLength } from './letters.ts';
import { colourOf, leafObjects, objectTypes, objectsOfPage } from './page-objects.ts';
import type { Pdfium, Pointer } from './pdfium.ts';

/**
 * PDFium paints the lines of letters that are drawings of their own (Type 3) in the text's colour for areas. Where they
 * are nothing but lines, that is set to their own colour; where it cannot be, says so.
 */
export function colourLetters(document: PdfDocument, page: Pointer): string[] {
  const { pdfium } = document.engine;
  const texts = leafObjects(pdfium, objectsOfPage(pdfium, page)).filter((object) => isInTwoColours(pdfium, object));
  if (texts.length === 0 || document.lineFonts === 'no lines') return [];
  if (document.lineFonts === 'lines and areas') return ['has letters (Type 3) whose lines may be in another colour'];
  for (const text of texts) {
    const { red, green, blue, alpha } = colourOf(pdfium, text, 'line')!;
    pdfium.calls.FPDFPageObj_SetFillColor(text, red, green, blue, alpha);
  }
  return [];
}

/** In a font without a file, whose letters are drawings, with a colour for lines and another for areas. */
function isInTwoColours(pdfium: Pdfium, object: Pointer): boolean {
  const { calls } = pdfium;
  if (calls.FPDFPageObj_GetType(object) !== objectTypes.text) return false;
  const [line, area] = [colourOf(pdfium, object, 'line'), colourOf(pdfium, object, 'area')];
  if (!line || !area) return false;
  if (line.red === area.red && line.green === area.green && line.blue === area.blue) return false;
  const font = calls.FPDFTextObj_GetFont(object);
  return font !== 0 && calls.FPDFFont_GetIsEmbedded(font) === 1 && fontFileLength(pdfium, font) === 0;
}
