import type { Pdfium, Pointer } from './pdfium.ts';

/** FPDF_ANNOTATION_SUBTYPE. Source: PDFium's `fpdf_annot.h`. */
export const stamp = 13;
const freeText = 3;
/** FPDF_TEXT_ALIGNMENT and FPDF_VERTICAL_ALIGNMENT of EmbedPDF's build. */
const middle = 1;
/** Of a capital of Helvetica, to its size. */
const letterWidth = 0.72;
const lineHeight = 1.3;

/**
 * A stamp that says only which of the known ones it is: its words, in a box of its size, for programs have looks of their
 * own for them. Source: ISO 32000-1, 12.5.6.12
 * @returns the annotation that shows them, to be closed; undefined where it has no room for them
 */
export function drawStamp(
  pdfium: Pdfium,
  { page, annotation, name }: { page: Pointer; annotation: Pointer; name: string },
): Pointer | undefined {
  const { calls } = pdfium;
  const words = wordsOf(name);
  const rectangle = pdfium.floats(4, (at) => calls.FPDFAnnot_GetRect(annotation, at));
  if (!rectangle || words === '') return undefined;
  const [left, top, right, bottom] = rectangle as [number, number, number, number];
  const size = Math.min((top - bottom) / lineHeight, (right - left) / (words.length * letterWidth));
  if (!(size > 1)) return undefined;
  const box = calls.FPDFPage_CreateAnnot(page, freeText);
  if (box === 0) return undefined;
  pdfium.given(new Float32Array(rectangle), (at) => calls.FPDFAnnot_SetRect(box, at));
  pdfium.given(utf16(words), (at) => calls.FPDFAnnot_SetStringValue(box, 'Contents', at));
  pdfium.given(utf16(`/Helv ${size.toFixed(2)} Tf 0.75 0 0 rg`), (at) => calls.FPDFAnnot_SetStringValue(box, 'DA', at));
  calls.EPDFAnnot_SetTextAlignment(box, middle);
  calls.EPDFAnnot_SetVerticalAlignment(box, middle);
  calls.EPDFAnnot_GenerateAppearance(box);
  return box;
}

/** `NotApproved` and Acrobat's `SBNotApproved` are NOT APPROVED. */
function wordsOf(name: string): string {
  const own = name.replace(/^(?:SB|SH)(?=[A-Z])/, '');
  return own.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toUpperCase();
}

function utf16(text: string): Uint16Array {
  return Uint16Array.from(`${text}\0`, (sign) => sign.charCodeAt(0));
}
