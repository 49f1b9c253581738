import type { Element } from 'domhandler';
import type { Size } from '../opened.ts';
import { openWithVips } from '../vips.ts';
import { type SvgDocument, withRootTag } from './document.ts';
import { type LengthContext, pixelsOf } from './lengths.ts';
import type { Styles } from './style.ts';

/** Of what says nothing of its size. Source: CSS 2.2, 10.3.2. */
const defaultSize: Size = { width: 300, height: 150 };
const defaultFontSize = 16;

export function rootContext(root: Element, styles: Styles, size: Size = defaultSize): LengthContext {
  const relative = { fontSize: defaultFontSize, ...size };
  return { ...size, fontSize: pixelsOf(styles.inherited(root, 'font-size'), relative) ?? defaultFontSize };
}

/**
 * In CSS pixels, as a browser sizes it: shares of nothing and what is not said come from the shape of the view box, else from
 * the default; a drawing that reaches beyond that is not cut off.
 */
export async function naturalSize(
  parsed: SvgDocument,
  { styles, name }: { styles: Styles; name: string },
): Promise<Size> {
  const { root } = parsed;
  const context = rootContext(root, styles);
  const [width, height] = (['width', 'height'] as const).map((side) => {
    const length = pixelsOf(styles.declared(root).get(side) ?? root.attribs[side], context);
    return length !== undefined && length > 0 ? length : undefined;
  });
  const box = viewBox(root);
  if (width !== undefined && height !== undefined) return { width, height };
  if (box) {
    const ratio = box.width / box.height;
    if (width !== undefined) return { width, height: width / ratio };
    if (height !== undefined) return { width: height * ratio, height };
    return { width: defaultSize.width, height: defaultSize.width / ratio };
  }
  const drawn = await drawnSize(parsed, name);
  return {
    width: width ?? Math.max(defaultSize.width, drawn.width),
    height: height ?? Math.max(defaultSize.height, drawn.height),
  };
}

/** Draws the longer side of `size` as `drawSize` pixels, whatever it is. */
export function setRootSize(root: Element, size: Size, drawSize: number): Size {
  const scale = drawSize / Math.max(size.width, size.height);
  const drawn = { width: Math.round(size.width * scale), height: Math.round(size.height * scale) };
  const { style, ...attributes } = root.attribs;
  root.attribs = {
    'font-size': `${defaultFontSize}px`, // the renderer's own is 12
    ...attributes,
    ...(viewBox(root) ? {} : { viewBox: `0 0 ${size.width} ${size.height}` }),
    style: `${style ? `${style.replace(/;?\s*$/, '')};` : ''}width:${drawn.width}px;height:${drawn.height}px`,
    width: String(drawn.width),
    height: String(drawn.height),
  };
  return drawn;
}

function viewBox(root: Element): Size | undefined {
  const [, , width = 0, height = 0] = (root.attribs['viewBox'] ?? '')
    .trim()
    .split(/[\s,]+/)
    .map(Number);
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** What is drawn reaches so far, by the renderer, which takes a drawing without a size as large as it is. */
async function drawnSize(parsed: SvgDocument, name: string): Promise<Size> {
  const { width: _, height: __, ...attributes } = parsed.root.attribs;
  const kept = parsed.root.attribs;
  parsed.root.attribs = attributes;
  const text = withRootTag(parsed);
  parsed.root.attribs = kept;
  const { size } = await openWithVips({ bytes: Buffer.from(text), name, format: 'SVG' });
  return size;
}
