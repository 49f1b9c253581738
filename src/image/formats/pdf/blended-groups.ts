import type { PdfDocument } from './document.ts';
import { type PdfObjects, type PdfValue, entriesOf } from './objects.ts';
import { colourOf, objectTypes, objectsOfForm, objectsOfPage } from './page-objects.ts';
import type { Pdfium, Pointer } from './pdfium.ts';

/** PDFium blends what is in a group that is see-through with nothing but the group, also where the page is to be seen. */
export function blendedGroups(document: PdfDocument, page: Pointer): string[] {
  const { pdfium } = document.engine;
  if (!isBlendedOver(pdfium, objectsOfPage(pdfium, page), false) || !document.hasBlendedGroups) return [];
  return ['has a see-through group whose colours should be blended with what is below it, and are so only in part'];
}

/** Whether a group that is no world of its own asks for its objects to be blended. Source: ISO 32000-1, 11.4.5. */
export function hasBlendedGroups(objects: PdfObjects): boolean {
  return [...objects.numbers].some((number) => {
    const form = objects.object(number);
    const group = objects.entry(form, 'Group');
    if (group.kind !== 'dictionary') return false;
    const isolated = objects.entry(group, 'I');
    if (isolated.kind === 'word' && isolated.text === 'true') return false;
    return asksForBlending(objects, form);
  });
}

/** Whether a form has a state in which its colours are blended with what is below them. */
export function asksForBlending(objects: PdfObjects, form: PdfValue): boolean {
  const states = entriesOf(objects.entry(objects.entry(form, 'Resources'), 'ExtGState'));
  return [...states.values()].some((state) =>
    objects
      .items(objects.resolved(state), 'BM')
      .map((mode) => objects.resolved(mode))
      .some((mode) => mode.kind === 'name' && mode.text !== 'Normal' && mode.text !== 'Compatible'),
  );
}

interface Painted {
  object: Pointer;
  bounds: Edges;
  isWhite: boolean;
}

/** Whether a form that is see-through as a whole has objects that may be blended, over something that is not white. */
function isBlendedOver(pdfium: Pdfium, objects: readonly Pointer[], isCovered: boolean): boolean {
  const isForm = (object: Pointer): boolean => pdfium.calls.FPDFPageObj_GetType(object) === objectTypes.form;
  if (!objects.some(isForm)) return false;
  const painted = objects.map((object) => ({
    object,
    bounds: bounds(pdfium, object),
    isWhite: isWhite(pdfium, object),
  }));
  return painted.some(({ object }, index) => {
    if (!isForm(object)) return false;
    const isOver = isCovered || isOverAny(painted, index);
    const inner = objectsOfForm(pdfium, object);
    const isBlended = (): boolean => inner.some((one) => pdfium.calls.FPDFPageObj_HasTransparency(one));
    return (isOver && isSeeThrough(pdfium, object) && isBlended()) || isBlendedOver(pdfium, inner, isOver);
  });
}

function isOverAny(painted: readonly Painted[], index: number): boolean {
  const [left, bottom, right, top] = painted[index]!.bounds;
  return painted
    .slice(0, index)
    .some(
      ({ bounds, isWhite }) =>
        !isWhite && left < bounds[2] && bounds[0] < right && bottom < bounds[3] && bounds[1] < top,
    );
}

function isSeeThrough(pdfium: Pdfium, form: Pointer): boolean {
  return (colourOf(pdfium, form, 'area')?.alpha ?? 255) < 255;
}

function isWhite(pdfium: Pdfium, object: Pointer): boolean {
  if (pdfium.calls.FPDFPageObj_GetType(object) !== objectTypes.path) return false;
  const colour = colourOf(pdfium, object, 'area');
  return colour !== undefined && colour.red === 255 && colour.green === 255 && colour.blue === 255;
}

type Edges = [left: number, bottom: number, right: number, top: number];

function bounds(pdfium: Pdfium, object: Pointer): Edges {
  const edges = pdfium.floats(4, (at) => pdfium.calls.FPDFPageObj_GetBounds(object, at, at + 4, at + 8, at + 12));
  return (edges as Edges | undefined) ?? [0, 0, 0, 0];
}
