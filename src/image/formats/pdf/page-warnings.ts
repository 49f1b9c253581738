import type { Annotations } from './annotations.ts';
import type { DoubtfulLetter, PageLetters } from './letters.ts';
import { imageObjects, isDecodable, isOneColour } from './page-images.ts';
import type { Pdfium, Pointer } from './pdfium.ts';
import type { Box, Raster } from './raster.ts';

interface DrawnPage {
  page: Pointer;
  textPage: Pointer;
  letters: PageLetters;
  annotations: Annotations;
  raster: Raster;
}

/** What of a page is not on its picture, as whole sentences. */
export function pageWarnings(pdfium: Pdfium, drawn: DrawnPage): string[] {
  const { letters, annotations, raster } = drawn;
  const missing = letters.doubtful.filter((letter) => !isInked(pdfium, letter, drawn));
  const warnings = [
    ...(missing.length > 0 ? [missingLetters(missing)] : []),
    ...letters.signFonts.map((font) => `the font ${font} is not here: its signs are shown as letters or not at all`),
    ...annotations.undrawn.map((kind) => `has ${kind} without an appearance, which is not drawn`),
    ...(annotations.hasStamps ? ['has a stamp without an appearance: only its words are drawn'] : []),
    ...imageWarnings(pdfium, drawn),
  ];
  return raster.isPlain() && warnings.length === 0 ? blank(pdfium, drawn) : warnings;
}

/** Where the shape of a letter is said to be missing, another's may stand for it: is there anything? */
function isInked(pdfium: Pdfium, { index, isBox }: DoubtfulLetter, { textPage, raster }: DrawnPage): boolean {
  if (isBox) return false;
  const box = charBox(pdfium, textPage, index);
  const onPage = box && raster.boxOf(box);
  return onPage !== undefined && !raster.isPlain(onPage);
}

function charBox(pdfium: Pdfium, textPage: Pointer, index: number): Box | undefined {
  const { calls } = pdfium;
  return pdfium.lend(32, (at) => {
    if (!calls.FPDFText_GetCharBox(textPage, index, at, at + 8, at + 16, at + 24)) return undefined;
    const [left, right, bottom, top] = [0, 8, 16, 24].map((offset) => calls.pdfium.getValue(at + offset, 'double'));
    return { left: left!, right: right!, bottom: bottom!, top: top! };
  });
}

/** Scripts by the names that fonts for them have. */
const scripts = [
  'Arabic',
  'Armenian',
  'Bengali',
  'Cyrillic',
  'Devanagari',
  'Ethiopic',
  'Georgian',
  'Greek',
  'Gujarati',
  'Gurmukhi',
  'Han',
  'Hangul',
  'Hebrew',
  'Hiragana',
  'Kannada',
  'Katakana',
  'Khmer',
  'Lao',
  'Latin',
  'Malayalam',
  'Mongolian',
  'Myanmar',
  'Oriya',
  'Sinhala',
  'Syriac',
  'Tamil',
  'Telugu',
  'Thai',
  'Tibetan',
].map((name) => ({ name, pattern: new RegExp(String.raw`\p{Script=${name}}`, 'u') }));
const lettersShown = 10;

function missingLetters(missing: readonly DoubtfulLetter[]): string {
  const letters = [...new Set(missing.map(({ codePoint }) => String.fromCodePoint(codePoint)))];
  const names = scripts.filter(({ pattern }) => letters.some((letter) => pattern.test(letter))).map(({ name }) => name);
  const shown = letters.slice(0, lettersShown).join(' ') + (letters.length > lettersShown ? ' …' : '');
  const what = missing.length === 1 ? '1 letter is' : `${missing.length} letters are`;
  const of = names.length === 0 ? '' : ` (${names.join(', ')})`;
  return `${what} not drawn, since neither the file nor this machine has a font with ${shown}${of}`;
}

/** Pixels of a side from which on an image cannot be overlooked. */
const noticeable = 4;

function imageWarnings(pdfium: Pdfium, { page, raster }: DrawnPage): string[] {
  const failed = imageObjects(pdfium, page).filter(({ object, bounds }) => {
    const box = bounds && raster.boxOf(bounds);
    if (!box || box.right - box.left < noticeable || box.bottom - box.top < noticeable) return false;
    return raster.isPlain(box) && !isDecodable(pdfium, object);
  });
  const filters = [...new Set(failed.map(({ filters }) => filters.join(', ')))];
  return filters.map((names) => `has an image${names && ` (${names})`} that cannot be decoded and is not drawn`);
}

/** All of a page is one colour: said unless there is nothing in it, or nothing but an image of one colour. */
function blank(pdfium: Pdfium, { page, letters, annotations }: DrawnPage): string[] {
  const images = imageObjects(pdfium, page).filter(({ object }) => !isOneColour(pdfium, object));
  const contents = [
    letters.count > 0 && 'text',
    images.length > 0 && (images.length === 1 ? 'an image' : 'images'),
    annotations.count > 0 && 'annotations',
  ].filter((content) => content !== false);
  return contents.length === 0 ? [] : [`is blank, although there is ${contents.join(' and ')} in it`];
}
