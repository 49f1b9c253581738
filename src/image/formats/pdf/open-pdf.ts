import { PixtralError } from '../../../base/errors.ts';
import { checkSize } from '../../decoder/limits.ts';
import { damaged } from '../damaged.ts';
import type { OpenRequest, Opened, Size } from '../opened.ts';
import type { PdfDocument } from './document.ts';
import { sharedEngine } from './engine.ts';
import { openDocument } from './open-document.ts';
import { drawPage } from './draw-page.ts';
import { checkEnd } from './end-mark.ts';
import { ScanReader } from './scan-reader.ts';
import { maxCharacters, textLayer } from './text-layer.ts';

/** Pages are drawn so that the longer side is the model's maximum, or what was asked for. */
export async function openPdf({
  bytes,
  name,
  image,
  drawSize = image.maxImageSize,
  text = false,
}: OpenRequest): Promise<Opened> {
  checkEnd(bytes, name);
  const { document, warnings: plates, hasTiles } = openDocument(await sharedEngine(), { bytes, name });
  const { pageCount } = document;
  if (pageCount === 0) {
    document.close();
    throw damaged(name, 'PDF', 'has no pages');
  }
  const warnings = [...plates, ...documentWarnings(document)];
  const sizeOf = (index: number): Size => drawnSize(document, { index, name, longSide: drawSize });
  const scans = new ScanReader(document, sizeOf);
  return {
    pageCount,
    drawn: true,
    async page(index) {
      try {
        const scan = await scans.read(index);
        const pixels = scan ?? drawPage(document, { index, size: sizeOf(index), hasTiles });
        const words = text ? textLayer(document, index) : undefined;
        return {
          ...pixels,
          warnings: [
            ...warnings,
            ...(pixels.warnings ?? []),
            ...(words?.isCut ? [`only the first ${maxCharacters} characters of its text are given`] : []),
          ],
          ...(words && { text: words.text }),
        };
      } catch (thrown) {
        throw thrown instanceof PixtralError ? thrown : damaged(name, 'PDF', thrown);
      }
    },
    close: () => document.close(),
  };
}

function documentWarnings(document: PdfDocument): string[] {
  const warnings: string[] = [];
  if (document.isXfa) warnings.push('is a form in XFA, of which only the pages for other programs are shown');
  const attachments = document.attachments();
  if (attachments.length > 0 && document.isPortfolio()) {
    warnings.push(`is a portfolio, whose files are not shown: ${attachments.join(', ')}`);
  }
  return warnings;
}

/** Points say nothing about pixels: only their ratio is kept. */
function drawnSize(
  document: PdfDocument,
  { index, name, longSide }: { index: number; name: string; longSide: number },
): Size {
  const { width, height } = document.sizeOf(index);
  const unit = 1 / Math.min(width, height);
  checkSize({ width: Math.round(width * unit), height: Math.round(height * unit) }, name);
  const scale = longSide / Math.max(width, height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
