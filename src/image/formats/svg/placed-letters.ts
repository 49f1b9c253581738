import { Element, Text, isTag, isText } from 'domhandler';
import { elementsOf, localName } from './document.ts';

const placing = ['x', 'y', 'dx', 'dy'] as const;
const manyNumbers = /[\d.]\s*[\s,]\s*[-+.\d]/;

export function hasPlacedLetters(text: string): boolean {
  return /<(?:\w+:)?t(?:ext|span)\b[^>]*\s(?:x|y|dx|dy)\s*=\s*["'][^"']*\d\s*[\s,]\s*[-+.\d]/.test(text);
}

/** Letters that have places of their own become a span each: the renderer knows only the first place of a text. */
export function placeLetters(root: Element): void {
  for (const element of elementsOf(root)) {
    if (!['text', 'tspan'].includes(localName(element))) continue;
    const lists = placing.filter((name) => manyNumbers.test(element.attribs[name] ?? ''));
    const [child] = element.children;
    if (lists.length === 0 || element.children.length !== 1 || !child || !isText(child)) continue;
    const places = Object.fromEntries(lists.map((name) => [name, element.attribs[name]!.trim().split(/\s*[\s,]\s*/)]));
    element.children = spans(lettersOf(child.data, element), places, element);
    for (const name of lists) delete element.attribs[name];
  }
}

/** As they are counted: blanks in a row are one, an entity is one letter. */
function lettersOf(text: string, element: Element): string[] {
  const isKept = keepsBlanks(element);
  const shown = isKept ? text : text.replaceAll(/\s+/g, ' ').replace(/^ /, '');
  return shown.match(/&[#\w]+;|[^]/gu) ?? [];
}

function keepsBlanks(element: Element): boolean {
  const own = element.attribs['xml:space'];
  if (own !== undefined) return own === 'preserve';
  return element.parent !== null && isTag(element.parent) && keepsBlanks(element.parent);
}

/** What follows the last place stays behind its letter. */
function spans(letters: readonly string[], places: Record<string, string[]>, within: Element): Element[] {
  const count = Math.max(...Object.values(places).map((list) => list.length));
  const name = within.name.slice(0, within.name.indexOf(':') + 1) + 'tspan';
  const parts = letters.length > count ? [...letters.slice(0, count - 1), letters.slice(count - 1).join('')] : letters;
  return parts.map((part, index) => {
    const at = Object.entries(places).flatMap(([key, list]) => (list[index] === undefined ? [] : [[key, list[index]]]));
    const span = new Element(name, Object.fromEntries(at) as Record<string, string>, [new Text(part)]);
    span.parent = within;
    return span;
  });
}
