import { asksForBlending } from './blended-groups.ts';
import { inherited } from './button-states.ts';
import { type PdfObjects, type PdfValue, entriesOf, nameOf, wordOf } from './objects.ts';

/** Soft masks, and what is see-through as a whole. */
export const seeThrough = {
  words: ['/Luminosity', '/Alpha', '/ca'],
  pattern: /\/S\s*\/(?:Luminosity|Alpha)\b|\/ca\s*0?\.\d/,
};

/** What PDFium lets the page through twice: once as a whole, and what is in it once more. */
export interface SeenThroughTwice {
  /** Forms that are no groups: as groups they are taken as a whole. */
  forms: Set<number>;
  /** Tiles of patterns. */
  tiles: Set<number>;
  /** Whether one of the forms is seen through as a whole and then changes that: no group does so. */
  hasOthers: boolean;
}

/** How a drawing is seen through at some place of it. */
interface Seen {
  isMasked: boolean;
  isPale: boolean;
}

/**
 * What is in a form that is no group begins with the state in which the form is drawn, and PDFium draws the whole in
 * that state too, if it is a soft mask or if forms are in the form. What is in tiles begins with the soft mask.
 * Source: ISO 32000-1, 8.10.1, 11.6.7
 */
export function seenThroughTwice(objects: PdfObjects): SeenThroughTwice {
  const found: SeenThroughTwice = { forms: new Set(), tiles: new Set(), hasOthers: false };
  for (const number of objects.numbers) {
    const resources = resourcesOf(objects, objects.object(number));
    const states = statesOf(objects, resources);
    if (![...states.values()].some(({ isMasked, isPale }) => isMasked || isPale)) continue;
    if ([...states.values()].some(({ isMasked }) => isMasked)) addTiles(objects, resources, found.tiles);
    const forms = entriesOf(objects.entry(resources, 'XObject'));
    for (const [name, { isMasked, isPale }] of drawnSeen(contentOf(objects, number), states)) {
      const form = forms.get(name);
      if (form?.kind !== 'reference' || !isPlainForm(objects, form.number)) continue;
      if (!isMasked && !(isPale && hasForms(objects, form.number))) continue;
      found.forms.add(form.number);
      found.hasOthers ||= changesSeen(objects, form.number);
    }
  }
  return found;
}

/** The dictionary of a form, as that of a group. */
export function asGroup(text: string): string {
  return `${withoutEnd(text)} /Group << /Type /Group /S /Transparency >> >>`;
}

/**
 * A tile that does nothing but to take the mask off and to draw what it was, which becomes a form.
 * @param text the dictionary of what it was
 * @param form the number of the form
 */
export function unmaskedTile(
  objects: PdfObjects,
  { text, value, form }: { text: string; value: PdfValue; form: number },
): { tile: string; form: string } {
  const numbers = (key: string): string => {
    const items = objects.items(value, key).map((item) => wordOf(objects.resolved(item)));
    return items.length > 0 ? `/${key} [${items.join(' ')}]` : '';
  };
  const words = ['PatternType', 'PaintType', 'TilingType', 'XStep', 'YStep'].map(
    (key) => `/${key} ${wordOf(objects.entry(value, key))}`,
  );
  const resources = `/Resources << /ExtGState << /U << /SMask /None >> >> /XObject << /F ${form} 0 R >> >>`;
  const content = '/U gs /F Do';
  const entries = [...words, numbers('BBox'), numbers('Matrix'), resources, `/Length ${content.length}`].join(' ');
  return {
    tile: `<< ${entries} >>\nstream\n${content}\nendstream`,
    form: asGroup(`${withoutEnd(text)} /Type /XObject /Subtype /Form /Matrix [1 0 0 1 0 0] >>`),
  };
}

/** Names of what is drawn, each with what it is seen through anywhere. */
function drawnSeen(content: string, states: ReadonlyMap<string, Partial<Seen>>): Map<string, Seen> {
  const drawn = new Map<string, Seen>();
  const outer: Seen[] = [];
  let seen: Seen = { isMasked: false, isPale: false };
  for (const [operator, state, name] of operatorsOf(content)) {
    if (state !== undefined) {
      const { isMasked = seen.isMasked, isPale = seen.isPale } = states.get(state) ?? {};
      seen = { isMasked, isPale };
    } else if (name !== undefined) {
      const before = drawn.get(name);
      drawn.set(name, {
        isMasked: seen.isMasked || before?.isMasked === true,
        isPale: seen.isPale || before?.isPale === true,
      });
    } else if (operator === 'q') outer.push(seen);
    else seen = outer.pop() ?? seen;
  }
  return drawn;
}

const strings = /\((?:\\[^]|[^\\()])*\)/g;
const operators = /\/([^\s/<>[\]()]+)\s+gs\b|\/([^\s/<>[\]()]+)\s+Do\b|(?<![^\s])[qQ](?![^\s])/g;

/** `q` and `Q`, and those with names: a state's as the first group, and what is drawn as the second. */
function operatorsOf(content: string): RegExpExecArray[] {
  return [...content.replaceAll(strings, '').matchAll(operators)];
}

/** What each state with a name changes; none that changes nothing of it. */
function statesOf(objects: PdfObjects, resources: PdfValue): Map<string, Partial<Seen>> {
  const states = entriesOf(objects.entry(resources, 'ExtGState'));
  return new Map(
    [...states].flatMap(([name, value]) => {
      const mask = objects.entry(objects.resolved(value), 'SMask');
      const alpha = wordOf(objects.entry(objects.resolved(value), 'ca'));
      const masked = mask.kind === 'word' ? {} : { isMasked: mask.kind === 'dictionary' };
      const pale = alpha === undefined || alpha === 'null' ? {} : { isPale: Number(alpha) < 1 };
      const changes = { ...masked, ...pale };
      return Object.keys(changes).length > 0 ? [[name, changes] as const] : [];
    }),
  );
}

function changesSeen(objects: PdfObjects, form: number): boolean {
  const states = statesOf(objects, objects.entry(objects.object(form), 'Resources'));
  return operatorsOf(objects.content(form) ?? '').some(([, state]) => state !== undefined && states.has(state));
}

/** Pages have those of the pages that they belong to. */
function resourcesOf(objects: PdfObjects, value: PdfValue): PdfValue {
  const isPage = nameOf(objects.entry(value, 'Type')) === 'Page';
  return isPage ? inherited(objects, value, 'Resources') : objects.entry(value, 'Resources');
}

function contentOf(objects: PdfObjects, number: number): string {
  const parts = objects.items(objects.object(number), 'Contents');
  const numbers = parts.flatMap((part) => (part.kind === 'reference' ? [part.number] : []));
  return (parts.length > 0 ? numbers : [number]).map((part) => objects.content(part) ?? '').join('\n');
}

function addTiles(objects: PdfObjects, resources: PdfValue, tiles: Set<number>): void {
  for (const value of entriesOf(objects.entry(resources, 'Pattern')).values()) {
    if (value.kind === 'reference' && isTile(objects, objects.object(value.number))) tiles.add(value.number);
  }
}

/** No group. One that blends would blend with nothing but itself. */
function isPlainForm(objects: PdfObjects, number: number): boolean {
  const form = objects.object(number);
  if (nameOf(objects.entry(form, 'Subtype')) !== 'Form') return false;
  return objects.entry(form, 'Group').kind !== 'dictionary' && !asksForBlending(objects, form);
}

function hasForms(objects: PdfObjects, number: number): boolean {
  const inner = entriesOf(objects.entry(objects.entry(objects.object(number), 'Resources'), 'XObject'));
  return operatorsOf(objects.content(number) ?? '').some(([, , name]) => {
    const drawn = name === undefined ? undefined : inner.get(name);
    return drawn !== undefined && nameOf(objects.entry(objects.resolved(drawn), 'Subtype')) === 'Form';
  });
}

function isTile(objects: PdfObjects, value: PdfValue): boolean {
  const hasResources = objects.entry(value, 'Resources').kind === 'dictionary';
  return wordOf(objects.entry(value, 'PatternType')) === '1' && hasResources;
}

const withoutEnd = (dictionary: string): string => dictionary.trimEnd().slice(0, -'>>'.length);
