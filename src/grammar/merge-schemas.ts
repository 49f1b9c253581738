import { isDeepStrictEqual } from 'node:util';
import { isForPeople } from './keywords.ts';
import { inTurn } from './pattern-in-turn.ts';
import { type Json, type JsonObject, isObject } from './schema.ts';

/** The keyword that two schemas say something about which one schema cannot say. */
export class Unmergeable {
  readonly keyword: string;
  constructor(keyword: string) {
    this.keyword = keyword;
  }
}

/** One schema whose values are those of both. */
export function mergeSchemas(one: JsonObject, other: JsonObject): JsonObject {
  const merged: JsonObject = { ...one };
  for (const [keyword, value] of Object.entries(other)) {
    const before = one[keyword];
    if (before === undefined || !Object.hasOwn(one, keyword)) merged[keyword] = value;
    else if (!isForPeople(keyword) && !isDeepStrictEqual(before, value)) {
      const merge = mergers[keyword];
      const isListed = keyword === 'pattern' && [one, other].some((schema) => Object.hasOwn(schema, 'enum'));
      const both = isListed ? undefined : merge?.(before, value);
      if (both === undefined) throw new Unmergeable(keyword);
      merged[keyword] = both;
    }
  }
  return merged;
}

type Merge = (one: Json, other: Json) => Json | undefined;

const larger: Merge = (one, other) => Math.max(Number(one), Number(other));
const smaller: Merge = (one, other) => Math.min(Number(one), Number(other));

/** Both hold: the narrower limit, the common values, the members of both. */
const mergers: Record<string, Merge> = {
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  required: (one, other) => [...new Set([...listOf(one), ...listOf(other)])],
  enum: (one, other) => common(listOf(one), listOf(other)),
  type: (one, other) => {
    const [ones, others] = [listOf(one), listOf(other)];
    const both = common(ones, others);
    if (both) return both;
    const isWhole = [ones, others].some((types) => types.includes('integer'));
    return isWhole && [ones, others].some((types) => types.includes('number')) ? 'integer' : undefined;
  },
  multipleOf: (one, other) => leastMultiple(Number(one), Number(other)),
  pattern: (one, other) => (typeof one === 'string' && typeof other === 'string' ? inTurn(one, other) : undefined),
  properties: (one, other) => {
    if (!isObject(one) || !isObject(other)) return undefined;
    const merged: JsonObject = { ...one };
    for (const [name, schema] of Object.entries(other)) {
      const before = one[name];
      merged[name] = before === undefined ? schema : mergeValues(before, schema);
    }
    return merged;
  },
  items: mergeValues,
  additionalProperties: mergeValues,
};

function mergeValues(one: Json, other: Json): Json {
  if (one === false || other === false) return false;
  if (one === true) return other;
  if (other === true) return one;
  if (isObject(one) && isObject(other)) return mergeSchemas(one, other);
  throw new Unmergeable('items');
}

/** Of whole numbers. */
function leastMultiple(one: number, other: number): number | undefined {
  if (![one, other].every((value) => Number.isSafeInteger(value) && value > 0)) return undefined;
  let [divisor, rest] = [one, other];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  const both = (one / divisor) * other;
  return Number.isSafeInteger(both) ? both : undefined;
}

const listOf = (value: Json): Json[] => (Array.isArray(value) ? value : [value]);

function common(ones: readonly Json[], others: readonly Json[]): Json[] | undefined {
  const both = ones.filter((one) => others.some((other) => isDeepStrictEqual(one, other)));
  return both.length > 0 ? both : undefined;
}
