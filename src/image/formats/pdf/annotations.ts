import { plain } from './button-states.ts';
import type { LoadedPage, PdfDocument } from './document.ts';
import { Layers } from './layers.ts';
import type { Pdfium, Pointer } from './pdfium.ts';
import { drawStamp, stamp } from './stamps.ts';
import { drawTextMarkup, textMarkups } from './text-markups.ts';

/** FPDF_ANNOTATION_SUBTYPE, those that leave a mark on the page. Source: PDFium's `fpdf_annot.h`. */
const kinds: Record<number, string | undefined> = {
  1: 'a note',
  3: 'a text box',
  4: 'a line',
  5: 'a square',
  6: 'a circle',
  7: 'a polygon',
  8: 'a polyline',
  9: 'a highlight',
  10: 'an underline',
  11: 'a wavy line',
  12: 'a strikeout',
  [stamp]: 'a stamp',
  14: 'a caret',
  15: 'an ink stroke',
  17: 'an attached file',
  28: 'a redaction',
};
/** Source: ISO 32000-1, table 165. */
const hidden = 2;
const noView = 32;
const normal = 0;
/** FPDF_FORMFIELD_CHECKBOX and FPDF_FORMFIELD_RADIOBUTTON. Source: PDFium's `fpdf_formfill.h`. */
const markedFields = [2, 3];

/** The annotations of a page, ready to be drawn with it, until they are closed. */
export class Annotations {
  readonly #pdfium: Pdfium;
  readonly #open: Pointer[];
  /** What kinds of them have no appearance and cannot be given one. */
  readonly undrawn: readonly string[];
  /** Some are shown by their words only. */
  hasStamps = false;

  /** Gives those without an appearance one by what they are, and reads the fonts of those that have one. */
  constructor(document: PdfDocument, { page, form }: LoadedPage) {
    const { pdfium } = document.engine;
    const { calls } = pdfium;
    this.#pdfium = pdfium;
    const all = Array.from({ length: calls.FPDFPage_GetAnnotCount(page) }, (_, index) =>
      calls.FPDFPage_GetAnnot(page, index),
    );
    const known = all.filter((annotation) => annotation !== 0);
    this.#open = [...known];
    hideByLayers(document, { page, annotations: all });
    const undrawn = new Set<string>();
    for (const annotation of known) {
      const kind = kinds[calls.FPDFAnnot_GetSubtype(annotation)];
      const isShown = (calls.FPDFAnnot_GetFlags(annotation) & (hidden | noView)) === 0;
      const isLost = kind !== undefined && isShown && !this.#hasAppearance(annotation);
      if (isLost && !this.#isStamped(document, { page, annotation })) undrawn.add(kind);
      if (form && markedFields.includes(calls.FPDFAnnot_GetFormFieldType(form, annotation)))
        this.#markField(annotation);
      calls.FPDFAnnot_GetObjectCount(annotation);
    }
    this.undrawn = [...undrawn];
  }

  get count(): number {
    return this.#open.length;
  }

  close(): void {
    for (const annotation of this.#open) this.#pdfium.calls.FPDFPage_CloseAnnot(annotation);
  }

  /** Else PDFium draws a grey box, whether the button is on or off. */
  #markField(annotation: Pointer): void {
    const { calls } = this.#pdfium;
    if (!calls.EPDFAnnot_HasAppearanceStream(annotation, normal)) calls.EPDFAnnot_GenerateFormFieldAP(annotation);
  }

  #hasAppearance(annotation: Pointer): boolean {
    const { calls } = this.#pdfium;
    if (calls.EPDFAnnot_HasAppearanceStream(annotation, normal)) return true;
    return this.#draw(annotation) && calls.EPDFAnnot_HasAppearanceStream(annotation, normal);
  }

  #isStamped(document: PdfDocument, { page, annotation }: { page: Pointer; annotation: Pointer }): boolean {
    const { calls } = this.#pdfium;
    if (calls.FPDFAnnot_GetSubtype(annotation) !== stamp) return false;
    const { objects } = document;
    const dictionary = objects.object(calls.EPDFAnnot_GetObjectNumber(annotation));
    const name = plain(objects.entry(dictionary, 'Name')) || 'Draft';
    const box = drawStamp(this.#pdfium, { page, annotation, name });
    if (box === undefined) return false;
    this.#open.push(box);
    this.hasStamps = true;
    return true;
  }

  #draw(annotation: Pointer): boolean {
    const { calls } = this.#pdfium;
    const isOnText = textMarkups.includes(calls.FPDFAnnot_GetSubtype(annotation));
    return isOnText ? drawTextMarkup(this.#pdfium, annotation) : calls.EPDFAnnot_GenerateAppearance(annotation);
  }
}

/** PDFium draws annotations whatever layer they are on. */
function hideByLayers(
  document: PdfDocument,
  { page, annotations }: { page: Pointer; annotations: readonly Pointer[] },
): void {
  const { calls } = document.engine.pdfium;
  const areOnLayers = annotations.map((annotation) => annotation !== 0 && calls.FPDFAnnot_HasKey(annotation, 'OC'));
  if (!areOnLayers.includes(true)) return;
  const { objects } = document;
  const layers = new Layers(objects);
  const dictionaries = objects.items(objects.object(calls.EPDFPage_GetObjectNumber(page)), 'Annots');
  for (const [index, annotation] of annotations.entries()) {
    const dictionary = dictionaries[index];
    if (!areOnLayers[index] || !dictionary || layers.shows(objects.resolved(dictionary))) continue;
    calls.FPDFAnnot_SetFlags(annotation, calls.FPDFAnnot_GetFlags(annotation) | hidden);
  }
}
