import { type PdfObjects, type PdfValue, entriesOf, nameOf, wordOf } from './objects.ts';

/** Check boxes and radio buttons. */
export const buttons = { words: ['/Btn'], pattern: /\/Btn\b/ };

const pushButton = 2 ** 16;
/** Fields in fields: deeper ones are made to do harm. */
const maxParents = 32;

/**
 * A check box or radio button that is on by its field's value only, or whose looks are empty (as hyperref writes them),
 * stays empty in PDFium, which draws one by the name of its state where no looks are given for that.
 * Source: ISO 32000-1, 12.7.4.2
 */
export function withButtonState(objects: PdfObjects, { number, text }: { number: number; text: string }): string {
  if (!/\/Widget\b/.test(text)) return text;
  const widget = objects.object(number);
  const isButton = nameOf(inherited(objects, widget, 'FT')) === 'Btn';
  if (!isButton || Number(wordOf(inherited(objects, widget, 'Ff')) ?? 0) & pushButton) return text;
  const states = entriesOf(objects.entry(objects.entry(widget, 'AP'), 'N'));
  const state = onState(objects, { widget, states: [...states.keys()] });
  if (state === undefined) return text;
  const isUndrawn = isEmpty(objects, states.get(state));
  if (!isUndrawn && nameOf(objects.entry(widget, 'AS')) === state) return text;
  const own = isUndrawn ? `/AP << /N << /${state} << >> >> >> ` : '';
  return `${text.trimEnd().slice(0, -'>>'.length)} ${own}/AS /${state} >>`;
}

/** Undefined for a button that is off. */
function onState(
  objects: PdfObjects,
  { widget, states }: { widget: PdfValue; states: readonly string[] },
): string | undefined {
  const own = nameOf(objects.entry(widget, 'AS'));
  if (own !== undefined) return own === 'Off' ? undefined : own;
  const value = inherited(objects, widget, 'V');
  const wanted = plain(value);
  if (wanted === 'Off' || wanted === '') return undefined;
  const named = states.find((state) => plain({ kind: 'name', text: state }) === wanted);
  const isAlone = objects.entry(widget, 'Parent').kind !== 'dictionary';
  return named ?? (states.length === 0 && isAlone && value.kind === 'name' ? value.text : undefined);
}

/** Looks that leave no mark, or none at all. */
function isEmpty(objects: PdfObjects, looks: PdfValue | undefined): boolean {
  const form = looks ? objects.resolved(looks) : undefined;
  if (form?.kind !== 'dictionary') return true;
  const box = objects.items(form, 'BBox').map((side) => Number(wordOf(objects.resolved(side))));
  return box.length !== 4 || box[0] === box[2] || box[1] === box[3];
}

export function inherited(objects: PdfObjects, field: PdfValue, key: string): PdfValue {
  let at = field;
  for (let depth = 0; depth < maxParents; depth++) {
    const value = objects.entry(at, key);
    if (value.kind !== 'word' || value.text !== 'null') return value;
    at = objects.entry(at, 'Parent');
  }
  return at;
}

/** A name or string without its escapes, '' for anything else. */
export function plain(value: PdfValue): string {
  if (value.kind === 'name') return value.text.replaceAll(/#([0-9a-f]{2})/gi, (_, digits: string) => byte(digits, 16));
  if (value.kind === 'string') return value.text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => byte(digits, 8));
  return '';
}

const byte = (digits: string, base: number): string => String.fromCharCode(Number.parseInt(digits, base));
