import { buttons } from './button-states.ts';
import { type Engine, PdfDocument } from './document.ts';
import { Layers } from './layers.ts';
import { emptyForm, hasVisibleNoPlate, jpeg2000s, mends, noPlates, tiles } from './mends.ts';
import { soughtIn } from './packed-objects.ts';
import { seeThrough } from './see-through-forms.ts';

/** PDFium lets a layer's own word on how it is viewed come before the document's list of what is shown. */
const ownStates = { words: ['/ViewState'], pattern: /\/ViewState\b/ };
/** PDFium lays such a picture on white, and then lets the page through it once more. */
const ownMasks = { words: ['/SMaskInData'], pattern: /\/SMaskInData\s+[12]\b/ };

/** A document whose layers are as it says, and what is not drawn of it as it should be. */
export function openDocument(
  engine: Engine,
  file: { bytes: Uint8Array; name: string },
): { document: PdfDocument; warnings: string[]; hasTiles: boolean } {
  let document = PdfDocument.open(engine, file);
  const sought = [ownStates, noPlates, tiles, ownMasks, jpeg2000s, buttons, seeThrough];
  const found = soughtIn(file.bytes, sought) ?? sought.map(({ pattern }) => document.objects.match(pattern));
  const [hasStates, hasNoPlates, hasTiles = false, hasOwnMasks, hasJpeg2000s, hasButtons, isSeenThrough] = found;
  const misread = hasStates ? new Layers(document.objects).unheeded() : [];
  if (misread.length > 0) {
    document = reopened(document, { ...file, bytes: document.objects.renamed(misread, '/ViewState', '/ViewStatX') });
  }
  const hasMore = hasNoPlates || hasTiles || hasJpeg2000s || hasButtons || isSeenThrough;
  const { mended, warnings: seen } = hasMore
    ? mends(document.objects)
    : { mended: new Map<number, string>(), warnings: [] };
  if (mended.size > 0) document = reopened(document, { ...file, bytes: document.objects.updated(mended) });
  const warnings = [
    ...seen,
    ...(hasOwnMasks
      ? ['has an image that holds its own transparency (SMaskInData), and is paler than it should be']
      : []),
    ...([...mended.values()].includes(emptyForm)
      ? ['has an image in ink for no plate (None), which nobody should see: it is not drawn, unlike in some programs']
      : []),
    ...(hasNoPlates && hasVisibleNoPlate(document.objects)
      ? ['has ink for no plate (None), which is drawn although nobody should see it']
      : []),
  ];
  return { document, warnings, hasTiles };
}

function reopened(document: PdfDocument, file: { bytes: Uint8Array; name: string }): PdfDocument {
  const again = PdfDocument.open(document.engine, file);
  document.close();
  return again;
}
