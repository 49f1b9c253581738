import type { Pixels } from '../../pixels/patches.ts';
import type { Size } from '../opened.ts';
import type { Pdfium, Pointer } from './pdfium.ts';

/** A rectangle in pixels, from `left` and `top` up to `right` and `bottom`. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** FPDFBitmap_BGRx, of which the flag makes red, green, blue. Source: PDFium's `fpdfview.h`. */
const fourBytes = 3;
const withAnnotations = 0x01;
const redFirst = 0x10;
const white = 0xff_ff_ff_ff;

/** A page as it was drawn. */
export class Raster {
  readonly #pdfium: Pdfium;
  readonly #page: Pointer;
  readonly size: Size;
  /** [height, width] of red, green, blue and a byte without meaning, the red lowest. */
  readonly #words: Uint32Array;

  /** @param fineness how many times as large it is drawn, to be averaged */
  constructor(
    pdfium: Pdfium,
    { page, form, size, fineness }: { page: Pointer; form: Pointer; size: Size; fineness: number },
  ) {
    const { calls } = pdfium;
    const [width, height] = [size.width * fineness, size.height * fineness];
    this.#pdfium = pdfium;
    this.#page = page;
    this.size = size;
    const buffer = pdfium.allocate(width * height * 4);
    const bitmap = calls.FPDFBitmap_CreateEx(width, height, fourBytes, buffer, width * 4);
    try {
      pdfium.heap.fill(white & 0xff, buffer, buffer + width * height * 4);
      calls.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, withAnnotations | redFirst);
      if (form) calls.FPDF_FFLDraw(form, bitmap, page, 0, 0, width, height, 0, withAnnotations | redFirst);
      const drawn = pdfium.heap.subarray(buffer, buffer + width * height * 4);
      this.#words = new Uint32Array((fineness === 1 ? drawn.slice() : averaged(drawn, { size, fineness })).buffer);
    } finally {
      calls.FPDFBitmap_Destroy(bitmap);
      pdfium.free(buffer);
    }
  }

  get pixels(): Pixels {
    const { width, height } = this.size;
    const bytes = new Uint8Array(this.#words.buffer);
    return { width, height, lines: (first, count) => bytes.subarray(first * width * 4, (first + count) * width * 4) };
  }

  /** Whether all pixels of a box, or of the page, have one colour. */
  isPlain(box: Box = { left: 0, top: 0, right: this.size.width, bottom: this.size.height }): boolean {
    const { width } = this.size;
    const colour = this.#words[box.top * width + box.left]! & 0xff_ff_ff;
    for (let y = box.top; y < box.bottom; y++) {
      for (let at = y * width + box.left; at < y * width + box.right; at++) {
        if ((this.#words[at]! & 0xff_ff_ff) !== colour) return false;
      }
    }
    return true;
  }

  /** Where a rectangle of the page's own coordinates is drawn; undefined when it has no pixel on it. */
  boxOf({ left, top, right, bottom }: Box): Box | undefined {
    const [x0, y0] = this.#onDevice(left, top);
    const [x1, y1] = this.#onDevice(right, bottom);
    const box = {
      left: Math.max(Math.min(x0, x1), 0),
      top: Math.max(Math.min(y0, y1), 0),
      right: Math.min(Math.max(x0, x1), this.size.width),
      bottom: Math.min(Math.max(y0, y1), this.size.height),
    };
    return box.left < box.right && box.top < box.bottom ? box : undefined;
  }

  #onDevice(x: number, y: number): [x: number, y: number] {
    const { calls } = this.#pdfium;
    const { width, height } = this.size;
    return this.#pdfium.lend(8, (pointer) => {
      calls.FPDF_PageToDevice(this.#page, 0, 0, width, height, 0, x, y, pointer, pointer + 4);
      return [calls.pdfium.getValue(pointer, 'i32'), calls.pdfium.getValue(pointer + 4, 'i32')];
    });
  }
}

/** Of `fineness` x `fineness` pixels of four bytes each. */
function averaged(drawn: Uint8Array, { size, fineness }: { size: Size; fineness: number }): Uint8Array {
  const { width, height } = size;
  const stride = width * fineness * 4;
  const area = fineness * fineness;
  const averages = new Uint8Array(width * height * 4);
  const sums = new Uint32Array(width * 4);
  for (let y = 0; y < height; y++) {
    sums.fill(area >> 1);
    for (let line = y * fineness; line < (y + 1) * fineness; line++) {
      for (let x = 0, at = line * stride; x < width * fineness; x++) {
        const sum = Math.floor(x / fineness) * 4;
        for (let channel = 0; channel < 4; channel++) sums[sum + channel]! += drawn[at++]!;
      }
    }
    for (let at = 0; at < sums.length; at++) averages[y * sums.length + at] = Math.floor(sums[at]! / area);
  }
  return averages;
}
