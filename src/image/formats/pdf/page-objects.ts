import type { Pdfium, Pointer } from './pdfium.ts';

/** FPDF_PAGEOBJ. Source: PDFium's `fpdf_edit.h`. */
export const objectTypes = { text: 1, path: 2, image: 3, form: 5 };
/** Forms inside of forms; files that go round in circles exist. */
export const maxDepth = 8;
const maxObjects = 10_000;

export interface Colour {
  red: number;
  green: number;
  blue: number;
  /** 255: not see-through. */
  alpha: number;
}

/** Objects in the order in which they are painted: of a page, or of a form that stands on one. */
export function objectsOfPage({ calls }: Pdfium, page: Pointer): Pointer[] {
  const count = Math.min(calls.FPDFPage_CountObjects(page), maxObjects);
  return Array.from({ length: count }, (_, index) => calls.FPDFPage_GetObject(page, index));
}

export function objectsOfForm({ calls }: Pdfium, form: Pointer): Pointer[] {
  const count = Math.min(calls.FPDFFormObj_CountObjects(form), maxObjects);
  return Array.from({ length: count }, (_, index) => calls.FPDFFormObj_GetObject(form, index));
}

/** All objects but forms, with those inside of forms. */
export function leafObjects(pdfium: Pdfium, objects: readonly Pointer[], depth = 0): Pointer[] {
  return objects.flatMap((object) => {
    if (pdfium.calls.FPDFPageObj_GetType(object) !== objectTypes.form) return [object];
    return depth === maxDepth ? [] : leafObjects(pdfium, objectsOfForm(pdfium, object), depth + 1);
  });
}

export function colourOf(pdfium: Pdfium, object: Pointer, use: 'line' | 'area'): Colour | undefined {
  const { calls } = pdfium;
  return pdfium.lend(16, (at) => {
    const places = [at, at + 4, at + 8, at + 12] as const;
    const isKnown =
      use === 'line'
        ? calls.FPDFPageObj_GetStrokeColor(object, ...places)
        : calls.FPDFPageObj_GetFillColor(object, ...places);
    if (!isKnown) return undefined;
    const [red, green, blue, alpha] = places.map((place) => calls.pdfium.getValue(place, 'i32'));
    return { red: red!, green: green!, blue: blue!, alpha: alpha! };
  });
}
