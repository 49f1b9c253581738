import { refuse } from './schema-values.ts';
import { type Json, type Schema, type SchemaDocument, isObject } from './schema.ts';

/**
 * Refuses what no grammar can be made of: a reference that leads back to itself, values without end, and a `oneOf`
 * whose branches cannot be told apart.
 * @throws PixtralError `input`
 */
export function checkSchema(document: SchemaDocument, where: string): void {
  const { root, targets } = document;
  const named: [string, Schema][] = [['#', root], ...targets];
  for (const [pointer, schema] of named) {
    if (leadsTo(schema, { pointer, targets, seen: new Set() })) {
      throw refuse({ where }, { pointer }, 'refers to itself with nothing in between');
    }
  }
  const finite = finiteTargets(targets);
  for (const [pointer, schema] of named) {
    if (!isFinite(schema, finite)) throw refuse({ where }, { pointer }, 'has no value that ever ends');
    for (const { branches, oneOf } of unionsIn(schema)) {
      const twins = oneOf === undefined ? undefined : firstTwins(branches, targets);
      if (twins) {
        throw refuse(
          { where },
          { pointer: oneOf! },
          `one value could fit both branch ${twins[0]} and branch ${twins[1]}: use anyOf, or tell them apart by type or by a required property with its own const`,
        );
      }
    }
  }
}

type Targets = SchemaDocument['targets'];

function leadsTo(
  schema: Schema,
  { pointer, targets, seen }: { pointer: string; targets: Targets; seen: Set<string> },
): boolean {
  if (schema.kind === 'union') return schema.branches.some((branch) => leadsTo(branch, { pointer, targets, seen }));
  if (schema.kind !== 'ref') return false;
  if (schema.target === pointer) return true;
  if (seen.has(schema.target)) return false;
  seen.add(schema.target);
  return leadsTo(targets.get(schema.target)!, { pointer, targets, seen });
}

/** Targets with a value that ends: found in rounds, each from those of the round before. */
function finiteTargets(targets: Targets): Set<string> {
  const finite = new Set<string>();
  for (let before = -1; before < finite.size;) {
    before = finite.size;
    for (const [pointer, schema] of targets) if (isFinite(schema, finite)) finite.add(pointer);
  }
  return finite;
}

function isFinite(schema: Schema, finite: ReadonlySet<string>): boolean {
  if (schema.kind === 'ref') return finite.has(schema.target);
  if (schema.kind === 'union') return schema.branches.some((branch) => isFinite(branch, finite));
  if (schema.kind === 'object') {
    return schema.properties.every((property) => !property.required || isFinite(property.schema, finite));
  }
  if (schema.kind === 'never') return false;
  if (schema.kind !== 'array') return true;
  const elements = [...schema.prefix, ...(schema.rest ? [schema.rest] : [])];
  return elements.slice(0, schema.min).every((element) => isFinite(element, finite));
}

function* unionsIn(schema: Schema): Generator<Extract<Schema, { kind: 'union' }>> {
  if (schema.kind === 'union') yield schema;
  for (const inner of innerSchemas(schema)) yield* unionsIn(inner);
}

function innerSchemas(schema: Schema): Schema[] {
  if (schema.kind === 'union') return schema.branches;
  const rest = 'rest' in schema && schema.rest ? [schema.rest] : [];
  if (schema.kind === 'object') return [...schema.properties.map((property) => property.schema), ...rest];
  return schema.kind === 'array' ? [...schema.prefix, ...rest] : [];
}

/** Comparisons of branches multiply with every reference between them. */
const maxComparisons = 100_000;

function firstTwins(branches: readonly Schema[], targets: Targets): [number, number] | undefined {
  const left = { comparisons: maxComparisons };
  for (let b = 1; b < branches.length; b++) {
    for (let a = 0; a < b; a++) {
      const [one, other] = [branches[a]!, branches[b]!];
      if (mayFit(one, other, { targets, left, depth: 0 }) || mayFit(other, one, { targets, left, depth: 0 }))
        return [a, b];
    }
  }
  return undefined;
}

/** References are followed this far when branches are compared. */
const maxDepth = 16;

interface Comparing {
  targets: Targets;
  /** For one `oneOf` as a whole. */
  left: { comparisons: number };
  depth: number;
}

/** Whether a value that is written for `made` may be valid for `other`; true when in doubt. */
function mayFit(made: Schema, other: Schema, { targets, left, depth }: Comparing): boolean {
  const next = { targets, left, depth: depth + 1 };
  if (depth > maxDepth || left.comparisons-- <= 0) return true;
  if (made.kind === 'ref') return mayFit(targets.get(made.target)!, other, next);
  if (other.kind === 'ref') return mayFit(made, targets.get(other.target)!, next);
  if (made.kind === 'union') return made.branches.some((branch) => mayFit(branch, other, next));
  if (other.kind === 'union') return other.branches.some((branch) => mayFit(made, branch, next));
  if (made.kind === 'any' || other.kind === 'any') return true;
  if (made.kind === 'values' && other.kind === 'values') {
    const twins = new Set(other.values.map(canonical));
    return made.values.some((value) => twins.has(canonical(value)));
  }
  if (family(made).every((name) => !family(other).includes(name))) return false;
  if ('min' in made && 'min' in other && isNumeric(made) && isNumeric(other)) {
    return made.min <= other.max && other.min <= made.max;
  }
  if (made.kind === 'object' && other.kind === 'object') {
    return made.properties.every(({ name, schema, required }) => {
      const twin = other.properties.find((property) => property.name === name);
      return !required || !twin || mayFit(schema, twin.schema, next);
    });
  }
  return true;
}

/** The same text for equal values, however their properties are ordered. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_, inside: Json) =>
    isObject(inside) ? Object.fromEntries(Object.entries(inside).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inside,
  );
}

type Numeric = Extract<Schema, { kind: 'integer' | 'number' }>;

const isNumeric = (schema: Schema): schema is Numeric => schema.kind === 'integer' || schema.kind === 'number';

/** JavaScript's types of the values; null and lists apart from objects. */
function family(schema: Schema): string[] {
  if (schema.kind === 'values') return schema.values.map(typeOf);
  if (schema.kind === 'format' || schema.kind === 'pattern') return ['string'];
  if (schema.kind === 'never') return [];
  return [schema.kind === 'integer' ? 'number' : schema.kind];
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
