import type { Element } from 'domhandler';
import type { Pixels } from '../../pixels/patches.ts';
import { elementsOf, localName } from './document.ts';

const drawn = new Set([
  'circle',
  'ellipse',
  'foreignObject',
  'image',
  'line',
  'path',
  'polygon',
  'polyline',
  'rect',
  'text',
  'use',
]);

/** Nothing but white, of a drawing that has something to draw: said, since an empty page is seldom what was meant. */
export function blank(root: Element, pixels: Pixels): string[] {
  const count = elementsOf(root).filter((element) => drawn.has(localName(element))).length;
  if (count === 0 || !isWhite(pixels)) return [];
  return [`is blank, although there ${count === 1 ? 'is one element' : `are ${count} elements`} to be drawn in it`];
}

const linesAtOnce = 64;

function isWhite(pixels: Pixels): boolean {
  for (let first = 0; first < pixels.height; first += linesAtOnce) {
    const bytes = pixels.lines(first, Math.min(linesAtOnce, pixels.height - first));
    for (let at = 0; at < bytes.length; at += 4) {
      if (bytes[at]! + bytes[at + 1]! + bytes[at + 2]! !== 3 * 255) return false;
    }
  }
  return true;
}
