import type { Pixels } from '../../pixels/patches.ts';
import type { Size } from '../opened.ts';
import { Annotations } from './annotations.ts';
import { blendedGroups } from './blended-groups.ts';
import type { LoadedPage, PdfDocument } from './document.ts';
import { type PageLetters, readLetters } from './letters.ts';
import { colourLetters } from './letters-of-lines.ts';
import { endsInInlineJpeg } from './page-images.ts';
import { pageWarnings } from './page-warnings.ts';
import { Raster } from './raster.ts';

interface PageRequest {
  /** 0-based. */
  index: number;
  /** In pixels, of the same shape as the page's own. */
  size: Size;
  /** Tiles may be on it, which PDFium rounds to whole pixels: it is drawn larger, and averaged. */
  hasTiles: boolean;
}

/** Finer than what a tile's lines are rounded to. */
const fineness = 4;
/** Pixels of the longer side up to which a page is drawn larger. */
const maxFineSide = 8192;

interface PreparedPage extends LoadedPage {
  annotations: Annotations;
  textPage: number;
}

/** Draws a page on white: with PDFium's own fonts where the file has none, or with others if they lack letters of it. */
export function drawPage(document: PdfDocument, request: PageRequest): Pixels {
  const { index } = request;
  const { fonts } = document.engine;
  const first = onPage(document, index, (prepared) => {
    const letters = readLetters(document.engine, prepared.textPage);
    return letters.doubtful.length === 0 ? draw(document, { prepared, request, letters }) : [...letters.foreign];
  });
  if (!Array.isArray(first)) return first;
  return fonts.with(first, () =>
    document.anew((again) =>
      onPage(again, index, (prepared) =>
        // PDFium asks for a second font when it meets letters that the first one lacks.
        fonts.with(fonts.lacking(first), () =>
          draw(again, { prepared, request, letters: readLetters(again.engine, prepared.textPage) }),
        ),
      ),
    ),
  );
}

function onPage<T>(document: PdfDocument, index: number, use: (prepared: PreparedPage) => T): T {
  const { pdfium } = document.engine;
  return document.onPage(index, (loaded) => {
    const annotations = new Annotations(document, loaded);
    const textPage = pdfium.calls.FPDFText_LoadPage(loaded.page);
    try {
      return use({ ...loaded, annotations, textPage });
    } finally {
      pdfium.calls.FPDFText_ClosePage(textPage);
      annotations.close();
    }
  });
}

function draw(
  document: PdfDocument,
  { prepared, request, letters }: { prepared: PreparedPage; request: PageRequest; letters: PageLetters },
): Pixels {
  const { pdfium } = document.engine;
  const otherwise = [...colourLetters(document, prepared.page), ...blendedGroups(document, prepared.page)];
  const { size, hasTiles } = request;
  const isFine = hasTiles && Math.max(size.width, size.height) * fineness <= maxFineSide;
  const raster = new Raster(pdfium, { ...prepared, size, fineness: isFine ? fineness : 1 });
  const warnings = [
    ...otherwise,
    ...pageWarnings(pdfium, { ...prepared, letters, raster }),
    ...(endsInInlineJpeg(document, prepared.page)
      ? ['has a JPEG within its drawing, and what comes after that may be missing']
      : []),
  ];
  return { ...raster.pixels, warnings };
}
