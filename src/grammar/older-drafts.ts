import { type Json, type JsonObject, isObject } from './schema.ts';

/** Keywords by what stands in them: a schema, a list of schemas, schemas by name. */
const single = ['items', 'additionalItems', 'additionalProperties', 'contains', 'propertyNames', 'not'];
const lists = ['items', 'prefixItems', 'anyOf', 'oneOf', 'allOf'];
const named = ['properties', 'patternProperties', '$defs', 'definitions'];
/** Lists and objects nested deeper are refused before. */
const maxDepth = 200;

/**
 * What drafts 4 to 7 and OpenAPI 3.0 say in their own way, in draft 2020-12: lists of `items` with `additionalItems`,
 * bounds that `exclusiveMinimum: true` excludes, `nullable: true`. Anything else stays as it is.
 */
export function asDraft2020(schema: Json, depth = 0): Json {
  if (!isObject(schema) || depth > maxDepth) return schema;
  const inside = (value: Json): Json => asDraft2020(value, depth + 1);
  const entries = Object.entries(schema).map(([keyword, value]): [string, Json] => {
    if (single.includes(keyword) && isObject(value)) return [keyword, inside(value)];
    if (lists.includes(keyword) && Array.isArray(value)) return [keyword, value.map(inside)];
    if (named.includes(keyword) && isObject(value)) {
      return [keyword, fromEntries(Object.entries(value).map(([name, one]) => [name, inside(one)]))];
    }
    return [keyword, value];
  });
  return withNull(withPrefix(withBounds(fromEntries(entries))));
}

/** Also of a member named `__proto__`. */
const fromEntries = (entries: [string, Json][]): JsonObject => Object.fromEntries(entries);

function withPrefix(schema: JsonObject): JsonObject {
  const { items, additionalItems, ...others } = schema;
  if (!Array.isArray(items) || Object.hasOwn(schema, 'prefixItems')) return schema;
  return { ...others, prefixItems: items, items: additionalItems ?? true };
}

function withBounds(schema: JsonObject): JsonObject {
  const bounds = [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const;
  return bounds.reduce((changed, [exclusive, inclusive]) => {
    const { [exclusive]: isExcluded, [inclusive]: bound, ...others } = changed;
    if (typeof isExcluded !== 'boolean') return changed;
    return bound === undefined ? others : { ...others, [isExcluded ? exclusive : inclusive]: bound };
  }, schema);
}

function withNull(schema: JsonObject): JsonObject {
  const { nullable, ...others } = schema;
  if (typeof nullable !== 'boolean') return schema;
  if (!nullable) return others;
  const { $defs, definitions, enum: values, ...own } = others;
  const kept = { ...($defs !== undefined && { $defs }), ...(definitions !== undefined && { definitions }) };
  const given = Array.isArray(values) ? values.filter((one) => one !== null) : values;
  if (Array.isArray(given) && given.length === 0) return { ...kept, type: 'null' };
  return { ...kept, anyOf: [{ ...own, ...(given !== undefined && { enum: given }) }, { type: 'null' }] };
}
