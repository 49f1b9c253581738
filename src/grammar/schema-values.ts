import { PixtralError } from '../base/errors.ts';
import { maxRepetition } from './gbnf.ts';
import { type Json, type JsonObject, type Place, child, isObject } from './schema.ts';

/** Values of keywords: each is read with its exact type, or refused by the place where it stands. */

export function refuse({ where }: { where: string }, { pointer }: { pointer: string }, what: string): PixtralError {
  return new PixtralError('input', `${where}: ${pointer}: ${what}`, {
    hint: 'pixtral ask --help lists what of JSON Schema can be used',
  });
}

export function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

export function listAt(parser: { where: string }, place: Place): Json[] {
  if (!Array.isArray(place.value) || place.value.length === 0) {
    throw refuse(parser, place, `is ${shown(place.value)}, expected a list that is not empty`);
  }
  return place.value;
}

export function objectAt(parser: { where: string }, place: Place): JsonObject {
  if (!isObject(place.value)) throw refuse(parser, place, `is ${shown(place.value)}, expected an object`);
  return place.value;
}

/** A count such as `minLength`, if it is there. */
export function countAt(parser: { where: string }, place: Place, keyword: string): number | undefined {
  return wholeAt(parser, place, { keyword, min: 0, max: maxRepetition });
}

/** A number, if it is there. */
export function numericAt(parser: { where: string }, place: Place, keyword: string): number | undefined {
  if (!Object.hasOwn(place.value as JsonObject, keyword)) return undefined;
  const at = child(place, keyword);
  if (typeof at.value !== 'number') throw refuse(parser, at, `is ${shown(at.value)}, expected a number`);
  return at.value;
}

/** A whole number, if it is there. */
function wholeAt(
  parser: { where: string },
  place: Place,
  { keyword, min, max }: { keyword: string; min: number; max: number },
): number | undefined {
  if (!Object.hasOwn(place.value as JsonObject, keyword)) return undefined;
  const at = child(place, keyword);
  const { value } = at;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw refuse(parser, at, `is ${shown(value)}, expected a whole number from ${min} to ${max}`);
  }
  return value;
}
