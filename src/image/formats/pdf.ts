import type { PDFiumLibrary } from '@hyzyla/pdfium';
import { PixtralError, reasonOf } from '../../base/errors.ts';
import { damaged } from './damaged.ts';
import { type OpenRequest, type Opened, ascii, cutShort } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import type { Pixels } from '../pixels/patches.ts';
import { rgbaPixels } from './raw-pixels.ts';

/** Where readers look for the marks of beginning and end. Source: ISO 32000-1, annex H, notes 13 and 18. */
const markWindow = 1024;

export function isPdf(bytes: Uint8Array): boolean {
  return ascii(bytes, 0, markWindow).includes('%PDF-');
}

type Document = Awaited<ReturnType<PDFiumLibrary['loadDocument']>>;

/** Pages are drawn so that the longer side is the model's maximum, or what was asked for. */
export async function openPdf({ bytes, name, image, drawSize = image.maxImageSize }: OpenRequest): Promise<Opened> {
  if (!ascii(bytes, Math.max(0, bytes.byteLength - markWindow), markWindow).includes('%%EOF')) {
    throw damaged(name, 'PDF', cutShort);
  }
  const { PDFiumLibrary } = await import('@hyzyla/pdfium');
  const library = await PDFiumLibrary.init();
  const document = await library.loadDocument(bytes).catch((thrown: unknown) => {
    library.destroy();
    throw refused(name, thrown);
  });
  const pageCount = document.getPageCount();
  if (pageCount === 0) throw damaged(name, 'PDF', 'has no pages');
  return {
    pageCount,
    drawn: true,
    page: (index) =>
      drawPage(document, { index, name, longSide: drawSize }).catch((thrown: unknown) => {
        throw thrown instanceof PixtralError ? thrown : damaged(name, 'PDF', thrown);
      }),
    close() {
      document.destroy();
      library.destroy();
    },
  };
}

function refused(name: string, thrown: unknown): PixtralError {
  if (!/password/i.test(reasonOf(thrown))) return damaged(name, 'PDF', thrown);
  return new PixtralError('input', `${name}: the PDF is locked by a password`, {
    hint: 'save it without one',
    cause: thrown,
  });
}

async function drawPage(
  document: Document,
  { index, name, longSide }: { index: number; name: string; longSide: number },
): Promise<Pixels> {
  const page = document.getPage(index);
  const { originalWidth, originalHeight } = page.getOriginalSize();
  checkSize({ width: originalWidth, height: originalHeight }, name);
  const scale = longSide / Math.max(originalWidth, originalHeight);
  const width = Math.max(1, Math.round(originalWidth * scale));
  const height = Math.max(1, Math.round(originalHeight * scale));
  // On a transparent ground letters get grey edges; on a white one they would get a screen's red and blue ones.
  const drawn = await page.render({
    width,
    height,
    scale: 1,
    render: 'bitmap',
    transparent: true,
    renderFormFields: true,
  });
  return rgbaPixels({ width, height, bytes: drawn.data });
}
