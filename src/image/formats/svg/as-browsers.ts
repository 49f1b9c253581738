import { Element, isTag } from 'domhandler';
import { elementsOf, localName } from './document.ts';
import type { Styles } from './style.ts';

/**
 * Says in the renderer's words what it draws otherwise than browsers: the drawing's background, spaces that are kept,
 * symbols of a size of their own, and lines of text that stand on another height. @returns whether there was any
 */
export function writeAsBrowsersDo(root: Element, styles: Styles): boolean {
  const all = elementsOf(root);
  const done = [
    keepSpaces(all, styles),
    sizeSymbols(all),
    raiseText(all, styles),
    paintBackground(root, styles), // last: it is no element of the drawing's own
  ];
  return done.includes(true);
}

const keeps = /^(pre|pre-wrap|break-spaces)$/;

function keepSpaces(all: readonly Element[], styles: Styles): boolean {
  const kept = all.filter((element) => {
    const value = styles.declared(element).get('white-space') ?? element.attribs['white-space'];
    return keeps.test(value?.trim() ?? '') && element.attribs['xml:space'] === undefined;
  });
  for (const element of kept) element.attribs['xml:space'] = 'preserve';
  return kept.length > 0;
}

/** Source: SVG 2, 5.5 */
function sizeSymbols(all: readonly Element[]): boolean {
  const symbols = all.filter((element) => localName(element) === 'symbol' && element.attribs['id'] !== undefined);
  const byId = new Map(symbols.map((symbol) => [symbol.attribs['id'], symbol]));
  let isChanged = false;
  for (const use of all.filter((element) => localName(element) === 'use')) {
    const symbol = byId.get((use.attribs['href'] ?? use.attribs['xlink:href'] ?? '').trim().slice(1));
    for (const side of ['width', 'height'] as const) {
      const size = symbol?.attribs[side];
      if (size === undefined || use.attribs[side] !== undefined) continue;
      use.attribs[side] = size;
      isChanged = true;
    }
  }
  return isChanged;
}

function raiseText(all: readonly Element[], styles: Styles): boolean {
  let isChanged = false;
  for (const element of all.filter((candidate) => localName(candidate) === 'text')) {
    const said = (property: string): string | undefined =>
      styles.declared(element).get(property) ?? element.attribs[property];
    const height = said('alignment-baseline');
    if (height === undefined || said('dominant-baseline') !== undefined) continue;
    element.attribs['dominant-baseline'] = height;
    isChanged = true;
  }
  return isChanged;
}

const oneColour = /^(#[\da-f]{3,8}|[a-z]+|(rgb|hsl)a?\([^()]*\))$/i;
const none = /^(none|transparent|inherit|initial|unset|revert|white|#fff(fff)?)$/i;

export function backgroundOf(root: Element, styles: Styles): string | undefined {
  const declared = styles.declared(root);
  const value = (declared.get('background-color') ?? declared.get('background'))?.trim();
  return value === undefined || none.test(value) ? undefined : value;
}

/** Behind all, as large as any window on the drawing. */
function paintBackground(root: Element, styles: Styles): boolean {
  const colour = backgroundOf(root, styles);
  if (colour === undefined || !oneColour.test(colour)) return false;
  const [x = 0, y = 0, width = 0, height = 0] = (root.attribs['viewBox'] ?? '')
    .trim()
    .split(/[\s,]+/)
    .map(Number);
  const side = Math.max(width, height) * 100;
  const prefix = root.name.slice(0, root.name.indexOf(':') + 1);
  const box = { x: x - side, y: y - side, width: 2 * side + width, height: 2 * side + height };
  const written = Object.fromEntries(Object.entries(box).map(([name, value]) => [name, String(value)]));
  const rect = new Element(`${prefix}rect`, { ...written, style: `fill:${colour}` });
  rect.parent = root;
  const first = root.children.findIndex((node) => isTag(node));
  root.children.splice(Math.max(0, first), 0, rect);
  return true;
}

/** Whether the drawing has a background that is more than a colour. */
export function hasOtherBackground(root: Element, styles: Styles): boolean {
  const colour = backgroundOf(root, styles);
  return colour !== undefined && !oneColour.test(colour);
}
