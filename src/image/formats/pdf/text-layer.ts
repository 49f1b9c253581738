import type { PdfDocument } from './document.ts';

/** Of one page: some fifty pages of a book. */
export const maxCharacters = 100_000;
/** Control characters, one of which PDFium writes where it joins a word that a hyphen divides, and what is no character. */
const noCharacters = /[^\P{Cc}\n\t]|[\uFFFE\uFFFF]/gu;

/**
 * The words that a page holds as text, also those that a scanner has read, in the order of the file; empty for a page
 * of pictures. `isCut`: there are more than are given.
 */
export function textLayer(document: PdfDocument, index: number): { text: string; isCut: boolean } {
  const { pdfium } = document.engine;
  const { calls } = pdfium;
  return document.onPage(index, ({ page }) => {
    const textPage = calls.FPDFText_LoadPage(page);
    try {
      const count = calls.FPDFText_CountChars(textPage);
      const given = Math.max(0, Math.min(count, maxCharacters));
      const byteLength = (given + 1) * 2;
      const text = pdfium.lend(byteLength, (buffer) => {
        const written = calls.FPDFText_GetText(textPage, 0, given, buffer);
        return Buffer.from(pdfium.heap.slice(buffer, buffer + Math.max(0, written - 1) * 2)).toString('utf16le');
      });
      return { text: tidy(text), isCut: count > given };
    } finally {
      calls.FPDFText_ClosePage(textPage);
    }
  });
}

function tidy(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(noCharacters, '')
    .replace(/[^\S\n]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
