import { formats } from './formats.ts';
import type { TypeName } from './keywords.ts';
import { largest } from './number-range.ts';
import { type JsonObject, type Place, type Property, type Schema, child, isObject } from './schema.ts';
import { countAt, listAt, objectAt, refuse, shown, wholeAt } from './schema-values.ts';

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
  string: (parser, at) => (Object.hasOwn(at.value, 'format') ? formatAt(parser, at) : textAt(parser, at.place)),
  integer: (parser, { place }) => numberAt(parser, { place, type: 'integer' }),
  number: (parser, { place }) => numberAt(parser, { place, type: 'number' }),
  array: arrayAt,
  object: objectSchemaAt,
};

function textAt(parser: SchemaParser, place: Place): Schema {
  const { min, max } = countsAt(parser, place, ['minLength', 'maxLength']);
  return { kind: 'string', min, max };
}

function formatAt(parser: SchemaParser, { place, value }: TypePlace): Schema {
  const { format } = value;
  if (typeof format !== 'string' || !Object.hasOwn(formats, format)) {
    throw refuse(
      parser,
      child(place, 'format'),
      `the format ${shown(format!)} is not supported, expected ${Object.keys(formats).join(', ')}`,
    );
  }
  for (const keyword of ['minLength', 'maxLength']) {
    if (Object.hasOwn(value, keyword)) {
      throw refuse(parser, child(place, keyword), `the keyword ${keyword} cannot be used beside format`);
    }
  }
  return { kind: 'format', format };
}

function numberAt(parser: SchemaParser, { place, type }: { place: Place; type: 'integer' | 'number' }): Schema {
  const bound = (keyword: string): number | undefined =>
    wholeAt(parser, place, { keyword, min: -largest, max: largest });
  const [above, below] = type === 'integer' ? [bound('exclusiveMinimum'), bound('exclusiveMaximum')] : [];
  const min = Math.max(bound('minimum') ?? -largest, (above ?? -largest - 1) + 1);
  const max = Math.min(bound('maximum') ?? largest, (below ?? largest + 1) - 1);
  if (min > max) throw refuse(parser, place, `no number is from ${min} to ${max}`);
  return { kind: type, min, max };
}

function arrayAt(parser: SchemaParser, { place, value }: TypePlace): Schema {
  const hasPrefix = Object.hasOwn(value, 'prefixItems');
  const prefix = hasPrefix
    ? listAt(parser, child(place, 'prefixItems')).map((_, index) => parser.schemaAt(child(place, 'prefixItems', index)))
    : [];
  const rest = restAt(parser, { place, value }, { keyword: 'items', isOpen: !hasPrefix });
  const counts = countsAt(parser, place, ['minItems', 'maxItems']);
  if (rest) return { kind: 'array', prefix, rest, ...counts };
  const max = Math.min(counts.max ?? prefix.length, prefix.length);
  if (counts.min > max)
    throw refuse(parser, child(place, 'minItems'), `no list has that many elements: at most ${max}`);
  return { kind: 'array', prefix, rest, min: counts.min, max };
}

function objectSchemaAt(parser: SchemaParser, { place, value }: TypePlace): Schema {
  const hasProperties = Object.hasOwn(value, 'properties');
  const named = hasProperties ? objectAt(parser, child(place, 'properties')) : {};
  const required = requiredAt(parser, { place, value });
  const rest = restAt(parser, { place, value }, { keyword: 'additionalProperties', isOpen: !hasProperties });
  const properties: Property[] = Object.keys(named).map((name) => {
    const at = child(place, 'properties', name);
    if (name === '__proto__') throw refuse(parser, at, 'a property of that name is not supported');
    return { name, schema: parser.schemaAt(at), required: required.includes(name) };
  });
  for (const name of required.filter((one) => !Object.hasOwn(named, one))) {
    if (value['additionalProperties'] === false) {
      throw refuse(parser, child(place, 'required'), `${shown(name)} is not among the properties`);
    }
    properties.push({ name, schema: rest ?? { kind: 'any' }, required: true });
  }
  return { kind: 'object', properties, rest };
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
  return parser.schemaAt(at);
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
