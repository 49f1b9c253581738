import { keyOfStep, pointerStep } from '../base/json-pointer.ts';
import { checkSchema } from './check-schema.ts';
import { decimalBranches } from './decimal-text.ts';
import {
  type TypeName,
  choiceKeywords,
  isForPeople,
  rootOnly,
  supportedKeywords,
  typeKeywords,
  typeNames,
} from './keywords.ts';
import { Unmergeable, mergeSchemas } from './merge-schemas.ts';
import { type Json, type JsonObject, type Place, type Schema, type SchemaDocument, child, isObject } from './schema.ts';
import { listAt, refuse, shown } from './schema-values.ts';
import { type SchemaParser, typeAt } from './type-schema.ts';
import { schemaValidator } from './validate.ts';

interface Parser extends SchemaParser {
  document: Json;
  targets: Map<string, Schema>;
  /** Schemas that were made of several. */
  joins: number;
  /** By the keywords beside values, as JSON. */
  problems: Map<string, (value: Json) => string | undefined>;
}

/** Deeper schemas are a mistake or an attack; the parser recurses. */
const maxDepth = 100;
/** A reference beside other keywords is written out wherever it stands. */
const maxJoins = 1000;
/** References are followed one within another, and compared with each other. */
const maxTargets = 500;

/**
 * Reads a JSON Schema (draft 2020-12). What is not supported is refused by name, never passed over.
 * @throws PixtralError `input`, with the JSON pointer of what is wrong
 */
export function parseSchema(document: Json, where: string): SchemaDocument {
  const parser: Parser = {
    where,
    document,
    targets: new Map(),
    joins: 0,
    problems: new Map(),
    schemaAt: (place) => schemaAt(parser, place),
  };
  const root = schemaAt(parser, { pointer: '#', value: document });
  checkSchema({ root, targets: parser.targets }, where);
  return { root, targets: parser.targets };
}

function schemaAt(parser: Parser, place: Place): Schema {
  const { value } = place;
  if (value === true) return { kind: 'any' };
  if (value === false && place.pointer !== '#') return { kind: 'never' };
  if (!isObject(value)) throw refuse(parser, place, `is ${shown(value)}, expected a schema`);
  if (place.pointer.split('/').length > maxDepth) throw refuse(parser, place, `is nested ${maxDepth} levels deep`);
  const choice = choiceKeywords.filter((keyword) => Object.hasOwn(value, keyword));
  if (choice.length > 0) return choiceAt(parser, place, { value, choice });
  const types = typesAt(parser, place, value);
  const known = ['type', ...types.flatMap((type) => typeKeywords[type]), ...(isCounted(types) ? ['format'] : [])];
  refuseOthers(parser, place, { known, context: `with type ${types.join(', ')}` });
  if (!known.some((keyword) => Object.hasOwn(value, keyword))) return { kind: 'any' };
  return union(types.map((type) => typeAt(parser, { place, value, type })));
}

/** A format beside numbers says how they are stored: int32, double. */
const isCounted = (types: readonly TypeName[]): boolean =>
  types.some((type) => type === 'integer' || type === 'number');

type Choice = (typeof choiceKeywords)[number];

/** `enum`, `const`, `anyOf`, `oneOf`, `allOf` and `$ref`; what stands beside them holds too. */
function choiceAt(parser: Parser, place: Place, { value, choice }: { value: JsonObject; choice: Choice[] }): Schema {
  if (choice.includes('not')) return exceptAt(parser, place, value);
  const besides = Object.keys(value).filter((keyword) => !isFree(place, keyword));
  const joined = choice.includes('allOf') || (choice.includes('$ref') && besides.length > 1);
  if (joined) return schemaAt(parser, { ...place, value: joinedAt(parser, place, value) });
  const keyword = choice[0]!;
  if (keyword === '$ref') return { kind: 'ref', target: targetOf(parser, child(place, '$ref')) };
  if (keyword === 'const' || keyword === 'enum') {
    const values = keyword === 'const' ? [value['const']!] : listAt(parser, child(place, 'enum'));
    return valuesAt(parser, place, { value, values, besides: besides.filter((one) => one !== keyword) });
  }
  const branches = branchesAt(parser, place, { value, keyword });
  if (keyword === 'anyOf') return union(decimalBranches(branches));
  return { kind: 'union', branches, ...(keyword === 'oneOf' && { oneOf: `${place.pointer}/oneOf` }) };
}

/** `not: {}` is nothing at all; other exceptions cannot be built into a grammar. */
function exceptAt(parser: Parser, place: Place, value: JsonObject): Schema {
  const { not } = value;
  if (not === true || (isObject(not) && Object.keys(not).every((keyword) => isFree(place, keyword)))) {
    return { kind: 'never' };
  }
  throw refuse(
    parser,
    child(place, 'not'),
    'the keyword not is not supported: say what the values are, with enum or anyOf',
  );
}

/** One schema in place of several that all hold. */
function joinedAt(parser: Parser, place: Place, value: JsonObject): JsonObject {
  if (++parser.joins > maxJoins) throw refuse(parser, place, 'refers to itself, or to too much, with allOf or $ref');
  const { allOf, $ref, ...own } = value;
  const parts =
    allOf === undefined ? [] : listAt(parser, child(place, 'allOf')).map((_, at) => child(place, 'allOf', at));
  if ($ref !== undefined) parts.push(placeOf(parser, child(place, '$ref')));
  return parts.reduce<JsonObject>((joined, part) => {
    if (part.value === true) return joined;
    if (!isObject(part.value)) throw refuse(parser, part, `is ${shown(part.value)}, expected a schema`);
    return joinTwo(parser, place, { one: joined, other: part.value });
  }, own);
}

function joinTwo(parser: Parser, place: Place, { one, other }: { one: JsonObject; other: JsonObject }): JsonObject {
  try {
    return mergeSchemas(one, other);
  } catch (thrown) {
    if (!(thrown instanceof Unmergeable)) throw thrown;
    throw refuse(
      parser,
      place,
      `several schemas that all hold say something about ${thrown.keyword}, expected one of them`,
    );
  }
}

const isFree = ({ pointer }: Place, keyword: string): boolean =>
  isForPeople(keyword) || (pointer === '#' && rootOnly.includes(keyword));

/** Each with what stands beside the choice. */
function branchesAt(
  parser: Parser,
  place: Place,
  { value, keyword }: { value: JsonObject; keyword: Choice },
): Schema[] {
  const own = Object.fromEntries(Object.entries(value).filter(([name]) => name !== keyword && !isFree(place, name)));
  const branches = listAt(parser, child(place, keyword)).map((branch, index) => {
    const at = child(place, keyword, index);
    if (Object.keys(own).length === 0 || !isObject(branch)) return schemaAt(parser, at);
    const { $ref, ...rest } = branch;
    const whole = $ref === undefined ? branch : joinedAt(parser, at, { ...rest, $ref });
    return schemaAt(parser, { ...at, value: joinTwo(parser, at, { one: own, other: whole }) });
  });
  const possible = branches.filter(({ kind }) => kind !== 'never');
  if (possible.length === 0) throw refuse(parser, place, 'no value fits any of its branches');
  return possible;
}

/** Those that fit what stands beside them. */
function valuesAt(
  parser: Parser,
  place: Place,
  { value, values, besides }: { value: JsonObject; values: Json[]; besides: readonly string[] },
): Schema {
  if (Object.hasOwn(value, 'type')) typesAt(parser, place, value); // refuses types that there are not
  const own = Object.fromEntries(besides.map((keyword) => [keyword, value[keyword]!]));
  const known = ['type', 'const', 'enum', ...Object.values(typeKeywords).flat()];
  refuseOthers(parser, { ...place, value: own }, { known, context: 'beside enum or const' });
  const problem = besides.length === 0 ? () => undefined : problemWith(parser, own);
  const fitting = values.filter((one) => problem(one) === undefined);
  if (fitting.length === 0) throw refuse(parser, place, 'no value is of the type');
  const name = fitting.map(unusableName).find((one) => one !== undefined);
  if (name !== undefined) throw refuse(parser, place, `a value with a member named ${name} is not supported`);
  return { kind: 'values', values: fitting };
}

/** Made once for all that are alike: it takes a thousand times longer than to use it. */
function problemWith(parser: Parser, own: JsonObject): (value: Json) => string | undefined {
  const key = JSON.stringify(own);
  const problem = parser.problems.get(key) ?? schemaValidator(own);
  parser.problems.set(key, problem);
  return problem;
}

/** A member that ajv would take for the method of that name when it compares values. */
function unusableName(value: Json): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const own = ['toString', 'valueOf', 'constructor', '__proto__'].find((name) => Object.hasOwn(value, name));
  return (
    own ??
    Object.values(value)
      .map(unusableName)
      .find((name) => name !== undefined)
  );
}

/** Named types; without any, those whose keywords are there; without those, all. */
function typesAt(parser: Parser, place: Place, value: JsonObject): TypeName[] {
  const isMeant = (type: TypeName): boolean => typeKeywords[type].some((keyword) => Object.hasOwn(value, keyword));
  const meant = typeNames.filter(isMeant);
  if (!Object.hasOwn(value, 'type')) return withoutTwin(meant.length > 0 ? meant : typeNames);
  const given = Array.isArray(value['type']) ? value['type'] : [value['type']!];
  const types = typeNames.filter((type) => given.includes(type));
  const wrong = given.find((type) => !typeNames.some((name) => name === type));
  if (wrong !== undefined || given.length === 0) {
    throw refuse(parser, child(place, 'type'), `is ${shown(wrong ?? given)}, expected ${typeNames.join(', ')}`);
  }
  return withoutTwin(types);
}

/** Whole numbers are numbers too: one of the two says it all. */
function withoutTwin(types: readonly TypeName[]): TypeName[] {
  return types.includes('number') ? types.filter((type) => type !== 'integer') : [...types];
}

function refuseOthers(
  parser: Parser,
  place: Place,
  { known, context }: { known: readonly string[]; context: string },
): void {
  for (const keyword of Object.keys(place.value as JsonObject)) {
    if (known.includes(keyword) || isFree(place, keyword)) continue;
    const isKnown = supportedKeywords.some((one) => one === keyword);
    throw refuse(
      parser,
      { pointer: `${place.pointer}/${pointerStep(keyword)}` },
      isKnown ? `the keyword ${keyword} cannot be used ${context}` : `the keyword ${keyword} is not supported`,
    );
  }
}

/** The target of a reference, parsed once: it may contain the reference itself. */
function targetOf(parser: Parser, place: Place): string {
  const target = placeOf(parser, place);
  if (!parser.targets.has(target.pointer)) {
    if (parser.targets.size >= maxTargets) {
      throw refuse(parser, place, `is one of over ${maxTargets} places referred to`);
    }
    parser.targets.set(target.pointer, { kind: 'any' });
    parser.targets.set(target.pointer, schemaAt(parser, target));
  }
  return target.pointer;
}

function placeOf(parser: Parser, place: Place): Place {
  const { value } = place;
  if (typeof value !== 'string' || !/^#(\/|$)/.test(value)) {
    throw refuse(parser, place, `is ${shown(value)}, expected a place in this document: #/$defs/...`);
  }
  const steps = stepsOf(parser, place, value);
  let target: Place = { pointer: '#', value: parser.document };
  for (const step of steps) {
    const inside = target.value;
    const isThere = typeof inside === 'object' && inside !== null && Object.hasOwn(inside, step);
    if (!isThere) throw refuse(parser, place, `${value} is not in the document`);
    target = child(target, step);
  }
  return target;
}

function stepsOf(parser: Parser, place: Place, reference: string): string[] {
  const steps = reference.split('/').slice(1);
  try {
    return steps.map((step) => keyOfStep(decodeURIComponent(step)));
  } catch {
    throw refuse(parser, place, `${shown(reference)}: a % begins no character, expected %25 for the sign itself`);
  }
}

function union(branches: Schema[]): Schema {
  return branches.length === 1 ? branches[0]! : { kind: 'union', branches };
}
