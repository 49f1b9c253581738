import type { Element } from 'domhandler';
import { elementsOf, localName } from './document.ts';
import type { Styles } from './style.ts';

/** Properties that browsers heed and the renderer does not, and what they look like where they do nothing. */
const unheeded: ReadonlyMap<string, RegExp> = new Map([
  ['transform-origin', /^(0(px|%)?|left|top)(\s+(0(px|%)?|left|top))*$/],
  ['rotate', /^(none|0\w*)$/],
  ['scale', /^(none|1)$/],
  ['translate', /^(none|0\w*)$/],
  ['offset-path', /^none$/],
  ['mask-image', /^(none|url\(.*)$/],
  ['mask', /^(none|url\(.*)$/],
  ['clip-path', /^(none|url\(.*)$/],
  ['d', /^none$/],
  ['word-spacing', /^(normal|0[.0]*\w*)$/],
  ['text-transform', /^none$/],
]);
/** Those that may be attributes too. */
const asAttributes: ReadonlySet<string> = new Set(['transform-origin', 'word-spacing']);
const colours = ['fill', 'stroke', 'color', 'stop-color', 'flood-color', 'lighting-color'];
const newColour = /^(oklch|oklab|lch|lab|color|color-mix)\(/i;
const mostShown = 3;

/** Whether a file can have any of that. */
export function mayHaveUnused(text: string): boolean {
  return /transform-origin|rotate\s*:|scale\s*:|translate\s*:|offset-path|mask(-image)?\s*:|clip-path\s*:|\bd\s*:|word-spacing|text-transform|\b(lch|lab|color|color-mix)\(|oklch\(|oklab\(/i.test(
    text,
  );
}

/** What styles ask for and nobody draws, one sentence for each kind. */
export function unusedStyle(root: Element, styles: Styles): string[] {
  const properties = new Set<string>();
  const unknown = new Set<string>();
  for (const element of elementsOf(root)) {
    const declared = styles.declared(element);
    const { attribs } = element;
    for (const [property, nothing] of unheeded) {
      const value = declared.get(property) ?? (asAttributes.has(property) ? attribs[property] : undefined);
      if (value === undefined || nothing.test(value.trim())) continue;
      const isAlone = property === 'transform-origin' && !isTransformed(element, declared);
      const isText = property === 'd' && localName(element) !== 'path';
      if (!isAlone && !isText) properties.add(property);
    }
    for (const property of colours) {
      const value = (declared.get(property) ?? attribs[property] ?? '').trim();
      const hasOther = declared.has(property) && attribs[property] !== undefined && !newColour.test(attribs[property]);
      if (newColour.test(value) && !hasOther) unknown.add(value);
    }
  }
  const listed = [...unknown].slice(0, mostShown).join(' ');
  return [
    ...[...properties].map((property) => `its style's ${property} is not heeded`),
    ...(unknown.size > 0 ? [`its colours ${listed} are not known, and black or another colour in their place`] : []),
  ];
}

function isTransformed({ attribs }: Element, declared: ReadonlyMap<string, string>): boolean {
  const transform = declared.get('transform') ?? attribs['transform'] ?? 'none';
  return !/^\s*(none|translate\([^)]*\))?\s*$/.test(transform);
}
