import { checkSize } from '../../decoder/limits.ts';
import { damaged } from '../damaged.ts';
import type { OpenRequest, Opened } from '../opened.ts';
import { openWithVips } from '../vips.ts';
import { hasOtherBackground, writeAsBrowsersDo } from './as-browsers.ts';
import { blank } from './blank.ts';
import { carriesOthers, carryAsPng } from './carried-pictures.ts';
import { parseSvg, serialized, withRootTag } from './document.ts';
import { nameFilterInputs } from './filter-inputs.ts';
import { drawLabels } from './labels.ts';
import { hasPlacedLetters, placeLetters } from './placed-letters.ts';
import { readStyleSheets, stylesOf } from './style.ts';
import { undrawn } from './undrawn.ts';
import { mayHaveUnused, unusedStyle } from './unused-style.ts';
import { isPlainStyle, writePlainStyle } from './plain-style.ts';
import { naturalSize, setRootSize } from './viewport.ts';

/**
 * Drawn so that the longer side is the model's maximum, or what was asked for. What librsvg does not know is put into
 * what it does: CSS variables, sizes in other units than pixels, labels in HTML. It runs no scripts, and with no place to
 * look from it loads nothing but `data:` URIs.
 */
export async function openSvg({ bytes, name, image, drawSize = image.maxImageSize }: OpenRequest): Promise<Opened> {
  const parsed = parseSvg(bytes);
  if (!parsed) throw damaged(name, 'SVG', 'has no root element that can be read');
  const { root, document } = parsed;
  const sheets = readStyleSheets(root);
  const styles = stylesOf(sheets);
  const size = await naturalSize(parsed, { styles, name });
  checkSize(setRootSize(root, size, drawSize), name);
  const whole = await openSized(withRootTag(parsed), name); // what is no XML is refused here
  const isPlain = isPlainStyle(parsed.text) && !sheets.isNested;
  const hasLabels = /foreignObject/.test(parsed.text);
  const notInLabels = hasLabels ? drawLabels(root, styles, size) : [];
  const hasOthers = carriesOthers(parsed.text);
  const warnings = [
    ...notInLabels,
    ...undrawn(root, sheets),
    ...(hasOtherBackground(root, styles) ? ['its background is not drawn'] : []),
    ...(mayHaveUnused(parsed.text) ? unusedStyle(root, styles) : []),
    ...(hasOthers && !(await carryAsPng(root)) ? ['it carries a picture that cannot be decoded and is not drawn'] : []),
  ];
  const hasPlaces = hasPlacedLetters(parsed.text);
  if (hasPlaces) placeLetters(root);
  const hasOtherInputs = nameFilterInputs(root);
  const hasOtherWords = writeAsBrowsersDo(root, styles);
  if (!isPlain) writePlainStyle(root, styles, size);
  const isAsWritten = isPlain && !hasLabels && !hasOthers && !hasPlaces && !hasOtherInputs && !hasOtherWords;
  const opened = isAsWritten ? whole : await openSized(serialized(document), name);
  const page = async (index: number): ReturnType<Opened['page']> => {
    const pixels = await opened.page(index);
    const all = warnings.length > 0 ? warnings : blank(root, pixels);
    return all.length === 0 ? pixels : { ...pixels, warnings: all };
  };
  return { ...opened, page, drawn: true };
}

function openSized(text: string, name: string): ReturnType<typeof openWithVips> {
  return openWithVips({ bytes: Buffer.from(text), name, format: 'SVG' });
}
