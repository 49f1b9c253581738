import type { PdfDocument } from './document.ts';
import { maxDepth, objectTypes, objectsOfForm, objectsOfPage } from './page-objects.ts';
import type { Pdfium, Pointer } from './pdfium.ts';
import type { Box } from './raster.ts';

export interface ImageObject {
  object: Pointer;
  /** As the page's dictionary has them, the first to be undone first. */
  filters: string[];
  /** In the page's coordinates; undefined inside of a form, which has its own. */
  bounds: Box | undefined;
}

export function imageObjects(pdfium: Pdfium, page: Pointer): ImageObject[] {
  return objectsOfPage(pdfium, page).flatMap((object) => imagesIn(pdfium, object, 0));
}

/** Whether a page's last object is a JPEG that stands in its content: PDFium reads nothing behind one. */
export function endsInInlineJpeg(document: PdfDocument, page: Pointer): boolean {
  const { pdfium } = document.engine;
  const { calls } = pdfium;
  const object = calls.FPDFPage_GetObject(page, calls.FPDFPage_CountObjects(page) - 1);
  if (object === 0 || calls.FPDFPageObj_GetType(object) !== objectTypes.image) return false;
  if (filtersOf(pdfium, object).join() !== 'DCTDecode') return false;
  const jpeg = pdfium.bytes((buffer, length) => calls.FPDFImageObj_GetImageDataRaw(object, buffer, length));
  return document.isInContent(jpeg);
}

/** Whether anything comes out when it is decoded. */
export function isDecodable(pdfium: Pdfium, object: Pointer): boolean {
  const bitmap = pdfium.calls.FPDFImageObj_GetBitmap(object);
  if (bitmap !== 0) pdfium.calls.FPDFBitmap_Destroy(bitmap);
  return bitmap !== 0;
}

export function isOneColour(pdfium: Pdfium, object: Pointer): boolean {
  const { calls } = pdfium;
  const bitmap = calls.FPDFImageObj_GetBitmap(object);
  if (bitmap === 0) return false;
  try {
    const start = calls.FPDFBitmap_GetBuffer(bitmap);
    const stride = calls.FPDFBitmap_GetStride(bitmap);
    const bytes = pdfium.heap.subarray(start, start + stride * calls.FPDFBitmap_GetHeight(bitmap));
    return bytes.every((byte) => byte === 255 || byte === 0);
  } finally {
    calls.FPDFBitmap_Destroy(bitmap);
  }
}

function imagesIn(pdfium: Pdfium, object: Pointer, depth: number): ImageObject[] {
  const type = pdfium.calls.FPDFPageObj_GetType(object);
  if (type === objectTypes.image)
    return [{ object, filters: filtersOf(pdfium, object), bounds: boundsOf(pdfium, object, depth) }];
  if (type !== objectTypes.form || depth === maxDepth) return [];
  return objectsOfForm(pdfium, object).flatMap((inner) => imagesIn(pdfium, inner, depth + 1));
}

function filtersOf(pdfium: Pdfium, object: Pointer): string[] {
  const { calls } = pdfium;
  return Array.from({ length: calls.FPDFImageObj_GetImageFilterCount(object) }, (_, index) =>
    pdfium.utf8((buffer, length) => calls.FPDFImageObj_GetImageFilter(object, index, buffer, length)),
  );
}

function boundsOf(pdfium: Pdfium, object: Pointer, depth: number): Box | undefined {
  if (depth > 0) return undefined;
  const edges = pdfium.floats(4, (at) => pdfium.calls.FPDFPageObj_GetBounds(object, at, at + 4, at + 8, at + 12));
  if (!edges) return undefined;
  const [left, bottom, right, top] = edges as [number, number, number, number];
  return { left, bottom, right, top };
}
