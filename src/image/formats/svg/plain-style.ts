import { type Element, isTag } from 'domhandler';
import type { Size } from '../opened.ts';
import { elementsOf, localName } from './document.ts';
import { inPixels } from './lengths.ts';
import type { Styles } from './style.ts';
import { resolved } from './values.ts';
import { rootContext } from './viewport.ts';

/** What the renderer does not work out by itself, or to another size than browsers do. */
const notPlain = /var\(|light-dark\(|calc\(|@media|@supports|@layer|\d(pt|pc|in|cm|mm|q|rem|ch|vw|vh|vmin|vmax)\b/i;

export function isPlainStyle(text: string): boolean {
  return !notPlain.test(text);
}

/** Attributes that hold lengths or colours; paths and names may look alike. */
const written =
  /^(x|y|x1|x2|y1|y2|dx|dy|cx|cy|r|rx|ry|fx|fy|fr|width|height|refX|refY|marker(Width|Height)|stroke(-width|-dasharray|-dashoffset)?|font-size|letter-spacing|word-spacing|baseline-shift|textLength|startOffset|fill|color|(stop|flood|lighting)-color|opacity|(fill|stroke|stop|flood)-opacity|stdDeviation)$/;

/** Writes what every rule comes to into each element's own style, and lengths in pixels. */
export function writePlainStyle(root: Element, styles: Styles, size: Size): void {
  const context = rootContext(root, styles, size);
  const all = elementsOf(root);
  const style = new Map(all.map((element) => [element, ownStyle(element, styles)]));
  for (const element of all) {
    const values = styles.context(element);
    for (const [name, value] of Object.entries(element.attribs)) {
      if (written.test(name)) element.attribs[name] = inPixels(resolved(value, values), context);
    }
    const own = style.get(element)!;
    if (own !== '' && element !== root) element.attribs['style'] = escaped(inPixels(own, context));
    if (element === root) element.attribs['style'] = escaped(`${inPixels(own, context)};${rootSizeOf(element)}`);
    if (localName(element) === 'style') element.children = [];
  }
}

function rootSizeOf({ attribs }: Element): string {
  return `width:${attribs['width']}px;height:${attribs['height']}px`;
}

function ownStyle(element: Element, styles: Styles): string {
  if (!isTag(element)) return '';
  return [...styles.declared(element)]
    .filter(([property]) => !property.startsWith('--'))
    .map(([property, value]) => `${property}:${value}`)
    .join(';');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
