import { checkSchema } from './check-schema.ts';
import {
  type TypeName,
  annotations,
  choiceKeywords,
  definitions,
  rootOnly,
  supportedKeywords,
  typeKeywords,
  typeNames,
} from './keywords.ts';
import {
  type Json,
  type JsonObject,
  type Place,
  type Schema,
  type SchemaDocument,
  child,
  isObject,
  pointerStep,
} from './schema.ts';
import { listAt, refuse, shown } from './schema-values.ts';
import { type SchemaParser, typeAt } from './type-schema.ts';

interface Parser extends SchemaParser {
  document: Json;
  targets: Map<string, Schema>;
}

/** Deeper schemas are a mistake or an attack; the parser recurses. */
const maxDepth = 100;

/**
 * Reads a JSON Schema (draft 2020-12). What is not supported is refused by name, never passed over.
 * @throws PixtralError `input`, with the JSON pointer of what is wrong
 */
export function parseSchema(document: Json, where: string): SchemaDocument {
  const parser: Parser = { where, document, targets: new Map(), schemaAt: (place) => schemaAt(parser, place) };
  const root = schemaAt(parser, { pointer: '#', value: document });
  checkSchema({ root, targets: parser.targets }, where);
  return { root, targets: parser.targets };
}

function schemaAt(parser: Parser, place: Place): Schema {
  const { value } = place;
  if (value === true) return { kind: 'any' };
  if (!isObject(value)) throw refuse(parser, place, `is ${shown(value)}, expected a schema`);
  if (place.pointer.split('/').length > maxDepth) throw refuse(parser, place, `is nested ${maxDepth} levels deep`);
  const choice = choiceKeywords.filter((keyword) => Object.hasOwn(value, keyword));
  if (choice.length > 0) return choiceAt(parser, place, { value, choice });
  const types = typesAt(parser, place, value);
  const known = ['type', ...types.flatMap((type) => typeKeywords[type])];
  refuseOthers(parser, place, { known, context: `with type ${types.join(', ')}` });
  if (!known.some((keyword) => Object.hasOwn(value, keyword))) return { kind: 'any' };
  return union(types.map((type) => typeAt(parser, { place, value, type })));
}

/** `enum`, `const`, `anyOf`, `oneOf` and `$ref` stand alone: what else would have to hold cannot be built in. */
function choiceAt(
  parser: Parser,
  place: Place,
  { value, choice }: { value: JsonObject; choice: (typeof choiceKeywords)[number][] },
): Schema {
  const keyword = choice[0]!;
  const isValues = keyword === 'enum' || keyword === 'const';
  refuseOthers(parser, place, { known: isValues ? [keyword, 'type'] : [keyword], context: `beside ${keyword}` });
  if (keyword === 'const') return valuesAt(parser, place, { value, values: [value['const']!] });
  if (keyword === 'enum') return valuesAt(parser, place, { value, values: listAt(parser, child(place, 'enum')) });
  if (keyword === '$ref') return { kind: 'ref', target: targetOf(parser, child(place, '$ref')) };
  const branches = branchesAt(parser, child(place, keyword));
  return { kind: 'union', branches, ...(keyword === 'oneOf' && { oneOf: `${place.pointer}/oneOf` }) };
}

function branchesAt(parser: Parser, place: Place): Schema[] {
  return listAt(parser, place).map((_, index) => schemaAt(parser, child(place, index)));
}

function valuesAt(parser: Parser, place: Place, { value, values }: { value: JsonObject; values: Json[] }): Schema {
  const types = Object.hasOwn(value, 'type') ? typesAt(parser, place, value) : typeNames;
  const fitting = values.filter((one) => types.some((type) => typesOf(one).includes(type)));
  if (fitting.length === 0) throw refuse(parser, place, 'no value is of the type');
  const name = fitting.map(unusableName).find((one) => one !== undefined);
  if (name !== undefined) throw refuse(parser, place, `a value with a member named ${name} is not supported`);
  return { kind: 'values', values: fitting };
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
  if (!Object.hasOwn(value, 'type')) return withoutTwin(meant.length > 0 ? meant : typeNames, value);
  const given = Array.isArray(value['type']) ? value['type'] : [value['type']!];
  const types = typeNames.filter((type) => given.includes(type));
  const wrong = given.find((type) => !typeNames.some((name) => name === type));
  if (wrong !== undefined || given.length === 0) {
    throw refuse(parser, child(place, 'type'), `is ${shown(wrong ?? given)}, expected ${typeNames.join(', ')}`);
  }
  return withoutTwin(types, value);
}

/** Whole numbers are numbers too: one of the two says it all. */
function withoutTwin(types: readonly TypeName[], value: JsonObject): TypeName[] {
  const wholeOnly =
    !Object.hasOwn(value, 'type') && typeKeywords.integer.slice(2).some((key) => Object.hasOwn(value, key));
  const twin = wholeOnly ? 'number' : 'integer';
  return types.includes('number') ? types.filter((type) => type !== twin) : [...types];
}

/** Types that a value has. */
function typesOf(value: Json): TypeName[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  if (typeof value !== 'number') return [typeof value as TypeName];
  return Number.isInteger(value) ? ['number', 'integer'] : ['number'];
}

function refuseOthers(
  parser: Parser,
  place: Place,
  { known, context }: { known: readonly string[]; context: string },
): void {
  for (const keyword of Object.keys(place.value as JsonObject)) {
    const isFree = annotations.includes(keyword) || definitions.includes(keyword);
    const isTop = place.pointer === '#' && rootOnly.includes(keyword);
    if (known.includes(keyword) || isFree || isTop) continue;
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
  const { value } = place;
  if (typeof value !== 'string' || !/^#(\/|$)/.test(value)) {
    throw refuse(parser, place, `is ${shown(value)}, expected a place in this document: #/$defs/...`);
  }
  const steps = value
    .split('/')
    .slice(1)
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));
  let target: Place = { pointer: '#', value: parser.document };
  for (const step of steps) {
    const inside = target.value;
    const isThere = typeof inside === 'object' && inside !== null && Object.hasOwn(inside, step);
    if (!isThere) throw refuse(parser, place, `${value} is not in the document`);
    target = child(target, step);
  }
  if (!parser.targets.has(target.pointer)) {
    parser.targets.set(target.pointer, { kind: 'any' });
    parser.targets.set(target.pointer, schemaAt(parser, target));
  }
  return target.pointer;
}

function union(branches: Schema[]): Schema {
  return branches.length === 1 ? branches[0]! : { kind: 'union', branches };
}
