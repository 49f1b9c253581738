import { withButtonState } from './button-states.ts';
import { type PdfObjects, type PdfValue, nameOf, parsedObject, wordOf } from './objects.ts';
import { asGroup, seenThroughTwice, unmaskedTile } from './see-through-forms.ts';

/** What has to be written otherwise for PDFium to draw it as it is: objects by their numbers. */
export function mends(objects: PdfObjects): { mended: Map<number, string>; warnings: string[] } {
  const mended = new Map<number, string>();
  const twice = seenThroughTwice(objects);
  const warnings = twice.hasOthers
    ? ['has a see-through drawing with parts that are less so, which are paler than they should be']
    : [];
  let next = objects.nextNumber;
  for (const number of objects.numbers) {
    const text = objects.textOf(number);
    if (text === '') continue;
    if (isUnseenImage(objects, number)) {
      mended.set(number, emptyForm);
      continue;
    }
    const drawable = [withOwnStep, withOwnDepth, withButtonState].reduce(
      (known, mend) => mend(objects, { number, text: known }),
      text,
    );
    const flat = withoutPlates(drawable);
    const better = twice.forms.has(number) ? asGroup(flat) : flat;
    if (twice.tiles.has(number)) {
      const { tile, form } = unmaskedTile(objects, { text: better, value: parsedObject(better), form: next });
      mended.set(number, tile).set(next++, withStream(objects, number, form));
    } else if (better !== text) mended.set(number, withStream(objects, number, better));
  }
  return { mended, warnings };
}

function withStream(objects: PdfObjects, number: number, text: string): string {
  const stored = objects.stored(number);
  return stored === undefined ? text : `${text}\nstream\n${stored}\nendstream`;
}

/** Source: ISO 32000-1, 8.6.6.4 and 8.6.6.5. */
export const noPlates = {
  words: ['/Separation', '/DeviceN'],
  pattern: /\/Separation\s*\/None\b|\/DeviceN\s*\[\s*(?:\/None\s*)+\]/,
};
/** Patterns that are repeated tiles. */
export const tiles = { words: ['/PatternType'], pattern: /\/PatternType\s*1\b/ };

/** Pictures whose bits PDFium takes from elsewhere if they are numbers of colours. */
export const jpeg2000s = { words: ['/JPXDecode'], pattern: /\/JPXDecode\b/ };

/** Stands for a picture that nobody is to see. */
export const emptyForm = '<< /Type /XObject /Subtype /Form /BBox [0 0 0 0] /Length 0 >>\nstream\n\nendstream';
const manyNoPlates = /\/DeviceN\s*\[\s*(?:\/None\s*)+\]/g;
/** Too little to be seen, enough to differ in 32 bits. */
const hair = 1.000002;

/** Pictures within a drawing, in a colour space of the page's. */
const inlineImage = /\bBI\b[^]{0,200}?\/(?:CS|ColorSpace)\s*\/(?!(?:G|RGB|CMYK|I|Indexed|Device\w+)\b)/;

/** Whether ink for no plate may be left that PDFium paints black: in gradients, and in pictures within a drawing. */
export function hasVisibleNoPlate(objects: PdfObjects): boolean {
  return [...objects.numbers].some((number) => {
    const value = objects.object(number);
    if (hasUnseenGradient(objects, value)) return true;
    const isPicture = nameOf(objects.entry(value, 'Subtype')) === 'Image';
    return !isPicture && inlineImage.test(objects.content(number) ?? '');
  });
}

function hasUnseenGradient(objects: PdfObjects, value: PdfValue): boolean {
  if (value.kind !== 'dictionary') return false;
  if (value.entries.has('ShadingType')) return isNoPlate(objects, objects.entry(value, 'ColorSpace'));
  return [...value.entries.values()].some((inner) => hasUnseenGradient(objects, inner));
}

/** PDFium paints nothing with ink for no plate, if that is said in this way. */
function withoutPlates(text: string): string {
  return text.replace(manyNoPlates, '/Separation /None');
}

/** PDFium paints images in ink for no plate black. */
function isUnseenImage(objects: PdfObjects, number: number): boolean {
  const image = objects.object(number);
  if (nameOf(objects.entry(image, 'Subtype')) !== 'Image') return false;
  return isNoPlate(objects, objects.entry(image, 'ColorSpace'));
}

function isNoPlate(objects: PdfObjects, space: PdfValue): boolean {
  if (space.kind !== 'array') return false;
  const [family, second] = space.items.slice(0, 2).map((item) => objects.resolved(item));
  if (!family || !second) return false;
  if (nameOf(family) === 'Indexed') return isNoPlate(objects, second);
  if (nameOf(family) === 'Separation') return nameOf(second) === 'None';
  if (nameOf(family) !== 'DeviceN' || second.kind !== 'array' || second.items.length === 0) return false;
  return second.items.every((item) => nameOf(objects.resolved(item)) === 'None');
}

/**
 * Where a tile is as large as its step, PDFium rounds the step up to whole pixels: fine hatching becomes coarse, and
 * ends elsewhere. A step that differs by a hair is kept.
 */
function withOwnStep(objects: PdfObjects, { number, text }: { number: number; text: string }): string {
  const pattern = objects.object(number);
  if (wordOf(objects.entry(pattern, 'PatternType')) !== '1') return text;
  const [left, bottom, right, top] = objects
    .items(pattern, 'BBox')
    .map((item) => Number(wordOf(objects.resolved(item))));
  const step = ['XStep', 'YStep'].map((key) => Number(wordOf(objects.entry(pattern, key))));
  if (left !== 0 || bottom !== 0 || right !== step[0] || top !== step[1]) return text;
  return text.replace(/\/XStep\s+\d+\s+\d+\s+R|\/XStep\s*[\d.]+/, `/XStep ${(right! * hair).toFixed(9)}`);
}

/**
 * Numbers of colours in a JPEG 2000 of fewer than eight bits: PDFium believes the picture's dictionary, which need not
 * say how many there are, and finds no such colours. Source: ISO 32000-1, 7.4.9; ISO/IEC 15444-1, annex A.5.1
 */
function withOwnDepth(objects: PdfObjects, { number, text }: { number: number; text: string }): string {
  if (!/\/JPXDecode\b/.test(text)) return text;
  const space = objects.entry(objects.object(number), 'ColorSpace');
  const [family] = space.kind === 'array' ? space.items.map((item) => objects.resolved(item)) : [];
  const stored = objects.stored(number) ?? '';
  const start = stored.indexOf('\xff\x4f\xff\x51');
  if (!family || nameOf(family) !== 'Indexed' || start < 0) return text;
  const depth = (stored.charCodeAt(start + 42) & 127) + 1;
  if (!(depth < 8)) return text;
  const others = text.replace(/\/BitsPerComponent\s+(\d+\s+\d+\s+R|\d+)/, '');
  return others.replace('<<', `<< /BitsPerComponent ${depth} `);
}
