import { checkSize } from '../../decoder/limits.ts';
import { damaged } from '../damaged.ts';
import type { OpenRequest, Opened } from '../opened.ts';
import { openWithVips } from '../vips.ts';
import { parseSvg, serialized, withRootTag } from './document.ts';
import { drawLabels } from './labels.ts';
import { readStyleSheets, stylesOf } from './style.ts';
import { undrawn } from './undrawn.ts';
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
  const isPlain = isPlainStyle(parsed.text);
  const hasLabels = /foreignObject/.test(parsed.text);
  const notInLabels = hasLabels ? drawLabels(root, styles, size) : [];
  const warnings = [...notInLabels, ...undrawn(root, sheets)];
  if (!isPlain) writePlainStyle(root, styles, size);
  const opened = isPlain && !hasLabels ? whole : await openSized(serialized(document), name);
  const page = async (index: number): ReturnType<Opened['page']> => {
    const pixels = await opened.page(index);
    return warnings.length === 0 ? pixels : { ...pixels, warnings };
  };
  return { ...opened, page, drawn: true };
}

function openSized(text: string, name: string): ReturnType<typeof openWithVips> {
  return openWithVips({ bytes: Buffer.from(text), name, format: 'SVG' });
}
