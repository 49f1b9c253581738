import type { Size } from '../opened.ts';
import { PdfDocument } from './document.ts';
import { sharedEngine } from './engine.ts';
import type { Pdfium, Pointer } from './pdfium.ts';

/** FPDFBitmap_Gray. Source: PDFium's `fpdfview.h`. */
const grey = 1;

/**
 * One component of a JPEG 2000, [height, width], of 0 to 255. PDFium carries OpenJPEG and gives all of them, if the
 * picture is in inks of which one is shown as grey.
 * @throws Error for what it does not decode
 */
export async function jpeg2000Component(
  jpeg2000: Uint8Array,
  { index, count, size }: { index: number; count: number; size: Size },
): Promise<Uint8Array> {
  const engine = await sharedEngine();
  const { pdfium } = engine;
  const { width, height } = size;
  const inks = Array.from({ length: count }, (_, ink) => `/Ink${ink}`).join(' ');
  const shown = `${'pop '.repeat(count - 1 - index)}${'exch pop '.repeat(index)}`;
  const bytes = pdfOf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /Picture 6 0 R >> >> >>`,
    stream('', Buffer.from('9 0 0 9 0 0 cm /Picture Do')),
    stream(`/FunctionType 4 /Domain [${'0 1 '.repeat(count)}] /Range [0 1]`, Buffer.from(`{ ${shown}}`)),
    stream(
      `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /Filter /JPXDecode /ColorSpace [/DeviceN [${inks}] /DeviceGray 5 0 R]`,
      jpeg2000,
    ),
  ]);
  const document = PdfDocument.open(engine, { bytes, name: 'picture' });
  try {
    return document.onPage(0, ({ page }) => firstBytes(pdfium, { page, size }));
  } finally {
    document.close();
  }
}

/** Of the pixels of the only object of a page. */
function firstBytes(pdfium: Pdfium, { page, size }: { page: Pointer; size: Size }): Uint8Array {
  const { calls } = pdfium;
  const { width, height } = size;
  const bitmap = calls.FPDFImageObj_GetBitmap(calls.FPDFPage_GetObject(page, 0));
  if (bitmap === 0) throw new Error('its data cannot be decoded');
  try {
    const isWhole = calls.FPDFBitmap_GetWidth(bitmap) === width && calls.FPDFBitmap_GetHeight(bitmap) === height;
    if (!isWhole) throw new Error('it has another size than it says');
    const stride = calls.FPDFBitmap_GetStride(bitmap);
    const step = calls.FPDFBitmap_GetFormat(bitmap) === grey ? 1 : 3;
    const start = calls.FPDFBitmap_GetBuffer(bitmap);
    const lines = pdfium.heap.subarray(start, start + stride * height);
    const values = new Uint8Array(width * height);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) values[at] = lines[y * stride + x * step]!;
    }
    return values;
  } finally {
    calls.FPDFBitmap_Destroy(bitmap);
  }
}

function stream(entries: string, bytes: Uint8Array): Buffer {
  const opening = `<< ${entries} /Length ${bytes.byteLength} >>\nstream\n`;
  return Buffer.concat([Buffer.from(opening), bytes, Buffer.from('\nendstream')]);
}

/** A file of objects that are numbered from 1 on, of which the first is the catalog. */
function pdfOf(objects: readonly (string | Buffer)[]): Uint8Array {
  const parts = [Buffer.from('%PDF-1.7\n')];
  const places: number[] = [];
  let length = parts[0]!.length;
  for (const [index, object] of objects.entries()) {
    const part = Buffer.concat([
      Buffer.from(`${index + 1} 0 obj\n`),
      Buffer.from(object as string),
      Buffer.from('\nendobj\n'),
    ]);
    places.push(length);
    parts.push(part);
    length += part.length;
  }
  const entries = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${entries}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${length}\n%%EOF\n`;
  return Buffer.concat([...parts, Buffer.from(table)]);
}
