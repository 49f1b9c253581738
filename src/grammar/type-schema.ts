import { reasonOf } from '../base/errors.ts';
import { formats, freeFormats } from './formats.ts';
import type { TypeName } from './keywords.ts';
import { largest } from './number-range.ts';
import { type TextPattern, textPattern } from './pattern.ts';
import { type JsonObject, type Place, type Property, type Schema, child, isObject } from './schema.ts';
import { countAt, listAt, numericAt, objectAt, refuse, shown } from './schema-values.ts';

export interface SchemaParser {
  /** Names the schema in messages: its file. */
  where: string;
  schemaAt(place: Place): Schema;
}

interface TypePlace {
  place: Place;
  value: JsonObject;
}

/** What the keywords of one type say. */
export function typeAt(parser: SchemaParser, { type, ...at }: TypePlace & { type: TypeName }): Schema {
  return readers[type](parser, at);
}

const readers: Record<TypeName, (parser: SchemaParser, at: TypePlace) => Schema> = {
  null: () => ({ kind: 'values', values: [null] }),
  boolean: () => ({ kind: 'values', values: [true, false] }),
  string: textAt,
  integer: (parser, { place }) => numberAt(parser, { place, type: 'integer' }),
  number: (parser, { place }) => numberAt(parser, { place, type: 'number' }),
  array: arrayAt,
  object: objectSchemaAt,
};

/** A pattern is narrower than what it stands beside, which is checked at the end. */
function textAt(parser: SchemaParser, { place, value }: TypePlace): Schema {
  const { min, max } = countsAt(parser, place, ['minLength', 'maxLength']);
  const { format } = value;
  const known = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined;
  const hasPattern = Object.hasOwn(value, 'pattern');
  if (Object.hasOwn(value, 'format') && !known && !hasPattern && !freeFormats.includes(format as string)) {
    const expected = [...Object.keys(formats), ...freeFormats].join(', ');
    throw refuse(parser, child(place, 'format'), `the format ${shown(format!)} is not supported, expected ${expected}`);
  }
  if (known && (!hasPattern || known.patterns?.includes(value['pattern'] as string) === true)) {
    return { kind: 'format', format: format as string };
  }
  if (!hasPattern) return { kind: 'string', min, max };
  const pattern = patternAt(parser, child(place, 'pattern'));
  if (pattern.max < min || pattern.min > (max ?? Infinity)) {
    throw refuse(parser, child(place, 'pattern'), 'no text of the allowed length fits it');
  }
  return { kind: 'pattern', pattern, min, max };
}

function patternAt(parser: SchemaParser, place: Place): TextPattern {
  if (typeof place.value !== 'string') throw refuse(parser, place, `is ${shown(place.value)}, expected a text`);
  try {
    return textPattern(place.value);
  } catch (cause) {
    throw refuse(parser, place, `${shown(place.value)}: ${reasonOf(cause)}`);
  }
}

/** The largest whole number that is exact in JavaScript. */
const exact = Number.MAX_SAFE_INTEGER;

function numberAt(parser: SchemaParser, { place, type: named }: { place: Place; type: 'integer' | 'number' }): Schema {
  const step = numericAt(parser, place, 'multipleOf');
  if (step !== undefined && step <= 0) {
    throw refuse(parser, child(place, 'multipleOf'), `is ${step}, expected more than 0`);
  }
  const type = step !== undefined && Number.isInteger(step) ? 'integer' : named;
  const bound = (keyword: string): number | undefined => numericAt(parser, place, keyword);
  const [lows, highs] = [
    [bound('minimum'), bound('exclusiveMinimum')],
    [bound('maximum'), bound('exclusiveMaximum')],
  ];
  const [least, above] = lows.map((one) => Math.max(-exact, one ?? -Infinity));
  const [most, below] = highs.map((one) => Math.min(exact, one ?? Infinity));
  const none = { min: -largest, max: largest };
  let min = lows.every((one) => one === undefined) ? none.min : Math.max(least!, above!);
  let max = highs.every((one) => one === undefined) ? none.max : Math.min(most!, below!);
  if (lows.some((one) => one !== undefined) && max === none.max) max = Math.max(max, Math.ceil(min));
  let isAbove = lows[1] !== undefined && min === lows[1];
  let isBelow = highs[1] !== undefined && max === highs[1];
  if (type === 'integer') {
    min = isAbove ? Math.floor(min) + 1 : Math.ceil(min);
    max = isBelow ? Math.ceil(max) - 1 : Math.floor(max);
    isAbove = isBelow = false;
  }
  const isNone = min > max || (min === max && (isAbove || isBelow));
  if (isNone) throw refuse(parser, place, `no number is from ${min} to ${max}`);
  return { kind: type, min, max, isAbove, isBelow, step: step === 1 ? undefined : step };
}

function arrayAt(parser: SchemaParser, { place, value }: TypePlace): Schema {
  const hasPrefix = Object.hasOwn(value, 'prefixItems');
  const isEmpty = Array.isArray(value['prefixItems']) && value['prefixItems'].length === 0;
  const prefix =
    hasPrefix && !isEmpty
      ? listAt(parser, child(place, 'prefixItems')).map((_, index) =>
          elementAt(parser, child(place, 'prefixItems', index)),
        )
      : [];
  const rest = restAt(parser, { place, value }, { keyword: 'items', isOpen: !hasPrefix });
  const counts = countsAt(parser, place, ['minItems', 'maxItems']);
  if (rest) return { kind: 'array', prefix, rest, ...counts };
  const max = Math.min(counts.max ?? prefix.length, prefix.length);
  if (counts.min > max)
    throw refuse(parser, child(place, 'minItems'), `no list has that many elements: at most ${max}`);
  return { kind: 'array', prefix, rest, min: counts.min, max };
}

function elementAt(parser: SchemaParser, place: Place): Schema {
  const schema = parser.schemaAt(place);
  if (schema.kind === 'never') throw refuse(parser, place, 'no value fits it');
  return schema;
}

function objectSchemaAt(parser: SchemaParser, { place, value }: TypePlace): Schema {
  const hasProperties = Object.hasOwn(value, 'properties');
  const named = hasProperties ? objectAt(parser, child(place, 'properties')) : {};
  const required = requiredAt(parser, { place, value });
  const patterned = patternedAt(parser, { place, value });
  const rest =
    patterned?.rest ?? restAt(parser, { place, value }, { keyword: 'additionalProperties', isOpen: !hasProperties });
  const properties: Property[] = Object.keys(named).map((name) => {
    const at = child(place, 'properties', name);
    if (name === '__proto__') throw refuse(parser, at, 'a property of that name is not supported');
    const schema = parser.schemaAt(at);
    if (schema.kind === 'never' && required.includes(name))
      throw refuse(parser, at, 'is required, and no value fits it');
    return { name, schema, required: required.includes(name) };
  });
  const names =
    patterned?.names ??
    (Object.hasOwn(value, 'propertyNames') ? namesAt(parser, child(place, 'propertyNames')) : undefined);
  const listed = names?.kind === 'values' ? names.values.filter((name) => typeof name === 'string') : undefined;
  const has = (name: string): boolean => properties.some((property) => property.name === name);
  for (const name of (listed ?? []).filter((one) => !has(one))) {
    properties.push({ name, schema: rest ?? { kind: 'any' }, required: required.includes(name) });
  }
  for (const name of required.filter((one) => !has(one))) {
    if (value['additionalProperties'] === false) {
      throw refuse(parser, child(place, 'required'), `${shown(name)} is not among the properties`);
    }
    properties.push({ name, schema: rest ?? { kind: 'any' }, required: true });
  }
  const counts = countsAt(parser, place, ['minProperties', 'maxProperties']);
  return { kind: 'object', properties, rest: listed ? undefined : rest, names: listed ? undefined : names, ...counts };
}

/** Of one pattern, names that fit it are written and no others; what else is said of names is checked at the end. */
function patternedAt(parser: SchemaParser, { place, value }: TypePlace): { names: Schema; rest: Schema } | undefined {
  if (!Object.hasOwn(value, 'patternProperties')) return undefined;
  const at = child(place, 'patternProperties');
  const [pattern, ...more] = Object.keys(objectAt(parser, at));
  if (pattern === undefined) return undefined;
  const named = ['properties', 'required'].find((keyword) => Object.hasOwn(value, keyword));
  if (more.length > 0 || named !== undefined) {
    throw refuse(parser, at, `stands beside ${named ?? 'another pattern'}, expected one pattern for all names`);
  }
  const rest = parser.schemaAt(child(at, pattern));
  if (rest.kind === 'never') throw refuse(parser, at, 'no value fits it');
  return {
    names: { kind: 'pattern', pattern: patternAt(parser, { ...at, value: pattern }), min: 0, max: undefined },
    rest,
  };
}

/** What the names of properties must be; undefined where any text will do. */
function namesAt(parser: SchemaParser, place: Place): Schema | undefined {
  const at = isObject(place.value) ? { ...place, value: { type: 'string', ...place.value } } : place;
  const schema = parser.schemaAt(at);
  return schema.kind === 'any' || (schema.kind === 'string' && schema.min === 0 && schema.max === undefined)
    ? undefined
    : schema;
}

function requiredAt(parser: SchemaParser, { place, value }: TypePlace): string[] {
  if (!Object.hasOwn(value, 'required')) return [];
  const at = child(place, 'required');
  const names = Array.isArray(at.value) ? at.value : [at.value];
  const isName = (name: unknown): name is string => typeof name === 'string' && name !== '__proto__';
  if (!Array.isArray(at.value) || !names.every(isName)) {
    throw refuse(parser, at, `is ${shown(at.value)}, expected a list of names`);
  }
  return [...new Set(names)];
}

/**
 * The schema of what is not named: `items`, `additionalProperties`. Without it JSON Schema allows anything; where
 * some are named, the grammar writes those only, which every such schema allows too.
 */
function restAt(
  parser: SchemaParser,
  { place, value }: TypePlace,
  { keyword, isOpen }: { keyword: string; isOpen: boolean },
): Schema | undefined {
  if (!Object.hasOwn(value, keyword)) return isOpen ? { kind: 'any' } : undefined;
  const at = child(place, keyword);
  if (at.value === false) return undefined;
  if (at.value !== true && !isObject(at.value)) throw refuse(parser, at, `is ${shown(at.value)}, expected a schema`);
  const schema = parser.schemaAt(at);
  return schema.kind === 'never' ? undefined : schema;
}

function countsAt(
  parser: SchemaParser,
  place: Place,
  [least, most]: readonly [string, string],
): { min: number; max: number | undefined } {
  const min = countAt(parser, place, least) ?? 0;
  const max = countAt(parser, place, most);
  if (max !== undefined && max < min) {
    throw refuse(parser, child(place, most), `is ${max}, but ${least} is ${min}`);
  }
  return { min, max };
}
