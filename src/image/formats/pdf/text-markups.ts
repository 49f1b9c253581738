import type { Pdfium, Pointer } from './pdfium.ts';

/** FPDF_ANNOTATION_SUBTYPE: highlight, underline, wavy line, strikeout. Source: PDFium's `fpdf_annot.h`. */
export const textMarkups = [9, 10, 11, 12];

type Point = readonly [x: number, y: number];
interface Box {
  left: number;
  bottom: number;
  right: number;
  top: number;
}
const normal = 0;

/**
 * Gives marks on text an appearance by the words that they mark. PDFium makes one of upright boxes, and stretches it to
 * the annotation's rectangle, whose margins are anybody's choice: so the rectangle is made that of the boxes, and
 * what stands askew is turned by the appearance's own matrix.
 * Source: ISO 32000-1, 12.5.6.10 and algorithm 8.1
 */
export function drawTextMarkup(pdfium: Pdfium, annotation: Pointer): boolean {
  const { calls } = pdfium;
  const words = wordsOf(pdfium, annotation);
  const [first] = words;
  if (!first) return calls.EPDFAnnot_GenerateAppearance(annotation);
  const direction = first.along;
  const boxes = words.map(({ corners }) => boxOf(corners.map((corner) => turned(corner, conjugate(direction)))));
  for (const [index, { left, bottom, right, top }] of boxes.entries()) {
    const quad = [left, top, right, top, left, bottom, right, bottom];
    pdfium.given(new Float32Array(quad), (at) => calls.FPDFAnnot_SetAttachmentPoints(annotation, index, at));
  }
  const all = boxOf(
    boxes.flatMap(({ left, bottom, right, top }): Point[] => [
      [left, bottom],
      [right, top],
    ]),
  );
  setRectangle(pdfium, annotation, all);
  if (!calls.EPDFAnnot_GenerateAppearance(annotation)) return false;
  const [x, y] = direction;
  if (y === 0 && x > 0) return true;
  pdfium.given(new Float32Array([x, y, -y, x, 0, 0]), (at) => calls.EPDFAnnot_SetAPMatrix(annotation, normal, at));
  setRectangle(pdfium, annotation, boxOf(cornersOf(all).map((corner) => turned(corner, direction))));
  return true;
}

/** Four corners, and a direction of length 1 in which their words are read. */
interface Words {
  corners: Point[];
  along: Point;
}

function wordsOf(pdfium: Pdfium, annotation: Pointer): Words[] {
  const { calls } = pdfium;
  return Array.from({ length: calls.FPDFAnnot_CountAttachmentPoints(annotation) }, (_, index) => {
    const quad = pdfium.floats(8, (at) => calls.FPDFAnnot_GetAttachmentPoints(annotation, index, at)) ?? [];
    const corners = [0, 2, 4, 6].map((at): Point => [quad[at] ?? Number.NaN, quad[at + 1] ?? Number.NaN]);
    return { corners, along: directionOf(corners) };
  }).filter(({ corners }) => corners.flat().every(Number.isFinite));
}

/**
 * From the first corner to the second: programs begin with the upper edge, and the standard with the lower one, from
 * left to right. Both go around or from line to line. What reads from the right begins there.
 */
function directionOf([first, second, third, fourth]: readonly Point[]): Point {
  const edge = minus(second!, first!);
  const goesAround = dot(edge, minus(fourth!, third!)) < 0;
  const across = minus(goesAround ? fourth! : third!, first!);
  const isMirrored = !goesAround && cross(edge, across) > 0 && edge[0] < 0;
  const length = Math.hypot(...edge);
  if (length === 0) return [1, 0];
  const sign = isMirrored ? -1 : 1;
  return straight([(sign * edge[0]) / length, (sign * edge[1]) / length]);
}

/** Scans' words are never quite straight, and no page shows it. */
const slight = 0.001;

function straight([x, y]: Point): Point {
  if (Math.abs(y) < slight) return [Math.sign(x), 0];
  return Math.abs(x) < slight ? [0, Math.sign(y)] : [x, y];
}

function setRectangle(pdfium: Pdfium, annotation: Pointer, { left, bottom, right, top }: Box): void {
  pdfium.given(new Float32Array([left, top, right, bottom]), (at) => pdfium.calls.FPDFAnnot_SetRect(annotation, at));
}

function boxOf(points: readonly Point[]): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return { left: Math.min(...xs), bottom: Math.min(...ys), right: Math.max(...xs), top: Math.max(...ys) };
}

function cornersOf({ left, bottom, right, top }: Box): Point[] {
  return [
    [left, bottom],
    [right, bottom],
    [left, top],
    [right, top],
  ];
}

const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1]];
const dot = (a: Point, b: Point): number => a[0] * b[0] + a[1] * b[1];
const cross = (a: Point, b: Point): number => a[0] * b[1] - a[1] * b[0];
/** Both as complex numbers. */
const turned = ([x, y]: Point, [re, im]: Point): Point => [x * re - y * im, x * im + y * re];
const conjugate = ([re, im]: Point): Point => [re, -im];
