import { type Engine, PdfDocument } from './document.ts';
import { Layers } from './layers.ts';
import { soughtIn } from './packed-objects.ts';

/** PDFium lets a layer's own word on how it is viewed come before the document's list of what is shown. */
const ownStates = { words: ['/ViewState'], pattern: /\/ViewState\b/ };
/** Source: ISO 32000-1, 8.6.6.4 and 8.6.6.5. */
const noPlates = {
  words: ['/Separation', '/DeviceN'],
  pattern: /\/Separation\s*\/None\b|\/DeviceN\s*\[\s*(?:\/None\s*)+\]/,
};

/** PDFium lays such a picture on white, and then lets the page through it once more. */
const ownMasks = { words: ['/SMaskInData'], pattern: /\/SMaskInData\s+[12]\b/ };

/** A document whose layers are as it says, and what is not drawn of it as it should be. */
export function openDocument(
  engine: Engine,
  file: { bytes: Uint8Array; name: string },
): { document: PdfDocument; warnings: string[] } {
  const document = PdfDocument.open(engine, file);
  const sought = [ownStates, noPlates, ownMasks];
  const found = soughtIn(file.bytes, sought) ?? sought.map(({ pattern }) => document.objects.match(pattern));
  const [hasStates, hasNoPlates, hasOwnMasks] = found;
  const warnings = [
    ...(hasNoPlates ? ['has ink for no plate (None), which is drawn although nobody should see it'] : []),
    ...(hasOwnMasks
      ? ['has an image that holds its own transparency (SMaskInData), and is paler than it should be']
      : []),
  ];
  const misread = hasStates ? new Layers(document.objects).unheeded() : [];
  if (misread.length === 0) return { document, warnings };
  const bytes = document.objects.renamed(misread, '/ViewState', '/ViewStatX');
  document.close();
  return { document: PdfDocument.open(engine, { ...file, bytes }), warnings };
}
