import { boundedDecimals } from './decimal-range.ts';
import { formats } from './formats.ts';
import { GbnfRules, anyOf, empty } from './gbnf.ts';
import { jsonLiteral, jsonRule } from './json-rules.ts';
import { multiples } from './multiples.ts';
import { decimalRange, integerRange, largest } from './number-range.ts';
import { oneOfTexts } from './one-of-texts.ts';
import { otherKeys } from './other-keys.ts';
import { patternRule } from './pattern.ts';
import type { Schema, SchemaDocument } from './schema.ts';

interface Writer {
  gbnf: GbnfRules;
  targets: SchemaDocument['targets'];
  /** Rules of the targets that were written. */
  rules: Map<string, string>;
}

/** A grammar in GBNF whose every text is a value that the schema allows. */
export function schemaGrammar({ root, targets }: SchemaDocument): string {
  const writer: Writer = { gbnf: new GbnfRules(), targets, rules: new Map() };
  return writer.gbnf.text(targets.has('#') ? refRule(writer, '#') : rule(writer, root));
}

/** The name of a rule for a schema. */
function rule(writer: Writer, schema: Schema): string {
  const { gbnf } = writer;
  const { kind } = schema;
  if (kind === 'any') return jsonRule(gbnf, 'value');
  if (kind === 'values') return gbnf.add(oneOfTexts(schema.values.map((value) => JSON.stringify(value))));
  if (kind === 'format') return gbnf.define(`format-${schema.format}`, `"\\"" ${formats[schema.format]!.rule} "\\""`);
  if (kind === 'string') return stringRule(gbnf, schema);
  if (kind === 'pattern') return gbnf.add(`"\\"" ${patternRule(gbnf, schema.pattern.source, schema)} "\\""`);
  if (kind === 'never') throw new Error('no grammar is made of what no value fits');
  if (kind === 'union') return gbnf.add(schema.branches.map((branch) => rule(writer, branch)).join(' | '));
  if (kind === 'ref') return refRule(writer, schema.target);
  if (kind === 'array') return arrayRule(writer, schema);
  return kind === 'object' ? objectRule(writer, schema) : numberRule(gbnf, schema);
}

function refRule(writer: Writer, target: string): string {
  const known = writer.rules.get(target);
  if (known !== undefined) return known;
  return writer.gbnf.recursive((name) => {
    writer.rules.set(target, name);
    return rule(writer, writer.targets.get(target)!);
  });
}

function stringRule(gbnf: GbnfRules, { min, max }: Extract<Schema, { kind: 'string' }>): string {
  if (min === 0 && max === undefined) return jsonRule(gbnf, 'string');
  return gbnf.add(`"\\"" ${gbnf.repeat(jsonRule(gbnf, 'char'), { min, max })} "\\""`);
}

function numberRule(gbnf: GbnfRules, schema: Extract<Schema, { kind: 'integer' | 'number' }>): string {
  const { kind, min, max, isAbove, isBelow, step } = schema;
  const stepped = step === undefined ? undefined : multiples(gbnf, { ...schema, step });
  if (stepped !== undefined) return gbnf.add(stepped);
  if (min === -largest && max === largest) return jsonRule(gbnf, kind);
  jsonRule(gbnf, 'digit');
  if (kind === 'integer') return gbnf.add(integerRange(min, max));
  jsonRule(gbnf, 'fraction');
  const isWhole = Number.isInteger(min) && Number.isInteger(max) && !isAbove && !isBelow;
  return gbnf.add(isWhole ? decimalRange(min, max) : boundedDecimals({ min, max, isAbove, isBelow }));
}

function arrayRule(writer: Writer, { prefix, rest, min, max = Infinity }: Extract<Schema, { kind: 'array' }>): string {
  const { gbnf } = writer;
  const comma = jsonRule(gbnf, 'comma');
  const restRule = rest && max > prefix.length ? rule(writer, rest) : undefined;
  const length = Math.min(max, prefix.length);
  let tail = '';
  if (restRule !== undefined) {
    const more = gbnf.add(`${comma} ${restRule}`);
    const before = Math.max(1, prefix.length);
    tail = gbnf.repeat(more, {
      min: Math.max(0, min - before),
      max: max === Infinity ? undefined : Math.max(0, max - before),
    });
  }
  for (let index = length - 1; index >= 1; index--) {
    const item = gbnf.add(`${comma} ${rule(writer, prefix[index]!)} ${tail}`);
    tail = index < min ? item : `${item}?`;
  }
  const first = length > 0 ? rule(writer, prefix[0]!) : restRule;
  if (first === undefined) return gbnf.add('"[]"');
  const elements = gbnf.add(`${first} ${tail}`);
  return gbnf.add(`"[" ${elements}${min > 0 ? '' : '?'} "]"`);
}

/** Properties in the schema's order; those that are not required may be left out. */
function objectRule(writer: Writer, schema: Extract<Schema, { kind: 'object' }>): string {
  const { gbnf } = writer;
  const { rest, names: keys } = schema;
  const properties = schema.properties.filter(({ schema: { kind } }) => kind !== 'never');
  const comma = jsonRule(gbnf, 'comma');
  const colon = jsonRule(gbnf, 'colon');
  const members = properties.map(({ name, schema, required }) => ({
    text: gbnf.add(`${jsonLiteral(name)} ${colon} ${rule(writer, schema)}`),
    required,
  }));
  const names = schema.properties.map(({ name }) => name);
  const key = (): string => (keys ? rule(writer, keys) : otherKeys(gbnf, names));
  const other = rest && gbnf.add(`${key()} ${colon} ${rule(writer, rest)}`);
  if (other !== undefined && properties.length === 0) return pairsRule(gbnf, { ...schema, pair: other });

  let tail = other === undefined ? empty : gbnf.add(`(${comma} ${other})*`);
  const starts = other === undefined ? [] : [`${other} ${tail}`];
  let mayBeEmpty = true;
  for (const { text, required } of members.toReversed()) {
    if (required) starts.length = 0;
    starts.unshift(`${text} ${tail}`);
    mayBeEmpty &&= !required;
    tail = gbnf.add(required ? `${comma} ${text} ${tail}` : `(${comma} ${text})? ${tail}`);
  }
  if (starts.length === 0) return gbnf.add('"{}"');
  return gbnf.add(`"{" ${anyOf([...starts, ...(mayBeEmpty ? [empty] : [])])} "}"`);
}

/** Between two counts of pairs. */
function pairsRule(
  gbnf: GbnfRules,
  { pair, min, max }: { pair: string; min: number; max: number | undefined },
): string {
  if (max === 0) return gbnf.add('"{}"');
  const more = gbnf.add(`${jsonRule(gbnf, 'comma')} ${pair}`);
  const tail = gbnf.repeat(more, { min: Math.max(0, min - 1), max: max === undefined ? undefined : max - 1 });
  const pairs = gbnf.add(`${pair} ${tail}`);
  return gbnf.add(`"{" ${pairs}${min > 0 ? '' : '?'} "}"`);
}
