import type { PdfObjects, PdfValue } from './objects.ts';

const anyOn = (states: readonly boolean[]): boolean => states.includes(true);
const policies = new Map([
  ['AllOn', (states: readonly boolean[]) => !states.includes(false)],
  ['AnyOff', (states: readonly boolean[]) => states.includes(false)],
  ['AllOff', (states: readonly boolean[]) => !states.includes(true)],
  ['AnyOn', anyOn],
]);

/** Which layers are to be seen on a screen. Source: ISO 32000-1, 8.11. */
export class Layers {
  readonly #objects: PdfObjects;
  readonly #hidden = new Set<number>();
  readonly #shown = new Set<number>();
  readonly #isShownByDefault: boolean;
  readonly #followed = new Set<number>();

  constructor(objects: PdfObjects) {
    this.#objects = objects;
    const configuration = objects.entry(objects.entry(objects.catalog, 'OCProperties'), 'D');
    this.#isShownByDefault = textOf(objects.entry(configuration, 'BaseState')) !== 'OFF';
    for (const number of this.#numbers(configuration, 'ON')) this.#shown.add(number);
    for (const number of this.#numbers(configuration, 'OFF')) this.#hidden.add(number);
    for (const automatic of objects.items(configuration, 'AS').map((item) => objects.resolved(item))) {
      if (textOf(objects.entry(automatic, 'Event')) !== 'View') continue;
      for (const number of this.#numbers(automatic, 'OCGs')) this.#follow(number);
    }
  }

  /** Whether what has this entry `OC` is to be seen; object numbers of groups or memberships. */
  shows(owner: PdfValue): boolean {
    if (owner.kind !== 'dictionary') return true;
    const raw = owner.entries.get('OC');
    if (raw?.kind !== 'reference') return raw === undefined || this.#meets(raw);
    const target = this.#objects.object(raw.number);
    return textOf(this.#objects.entry(target, 'Type')) === 'OCMD' ? this.#meets(target) : this.#isShown(raw.number);
  }

  /** Numbers of the objects in which layers say how they are viewed though nothing asks them to. */
  unheeded(): number[] {
    const all = this.#numbers(this.#objects.entry(this.#objects.catalog, 'OCProperties'), 'OCGs');
    return all.filter((number) => !this.#followed.has(number)).flatMap((number) => this.#placeOf(number));
  }

  /** Of a layer's `Usage` and its `View`, which may be objects of their own. */
  #placeOf(layer: number): number[] {
    const places = [layer];
    let value = this.#objects.object(layer);
    for (const key of ['Usage', 'View']) {
      const raw = value.kind === 'dictionary' ? value.entries.get(key) : undefined;
      if (!raw) return [];
      if (raw.kind === 'reference') places.push(raw.number);
      value = this.#objects.resolved(raw);
    }
    return this.#objects.entry(value, 'ViewState').kind === 'name' ? places : [];
  }

  #meets(membership: PdfValue): boolean {
    const states = this.#numbers(membership, 'OCGs').map((number) => this.#isShown(number));
    if (states.length === 0) return true;
    const policy = textOf(this.#objects.entry(membership, 'P')) ?? 'AnyOn';
    return (policies.get(policy) ?? anyOn)(states);
  }

  #isShown(number: number): boolean {
    if (this.#hidden.has(number)) return false;
    return this.#isShownByDefault || this.#shown.has(number);
  }

  /** The state that a layer says it has when it is viewed. */
  #follow(number: number): void {
    this.#followed.add(number);
    const view = this.#objects.entry(this.#objects.entry(this.#objects.object(number), 'Usage'), 'View');
    const state = textOf(this.#objects.entry(view, 'ViewState'));
    if (state === 'OFF') this.#hidden.add(number);
    if (state === 'ON') this.#hidden.delete(number);
    if (state === 'ON') this.#shown.add(number);
  }

  #numbers(dictionary: PdfValue, key: string): number[] {
    return this.#objects.items(dictionary, key).flatMap((item) => (item.kind === 'reference' ? [item.number] : []));
  }
}

function textOf(value: PdfValue): string | undefined {
  return value.kind === 'name' || value.kind === 'string' ? value.text : undefined;
}
