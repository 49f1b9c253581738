import { formats } from './formats.ts';
import { GbnfRules, anyOf, empty } from './gbnf.ts';
import { jsonLiteral, jsonRule } from './json-rules.ts';
import { decimalRange, integerRange, largest } from './number-range.ts';
import { otherKeys } from './other-keys.ts';
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
  if (kind === 'values') return gbnf.add(schema.values.map(jsonLiteral).join(' | '));
  if (kind === 'format') return gbnf.define(`format-${schema.format}`, `"\\"" ${formats[schema.format]!} "\\""`);
  if (kind === 'string') return stringRule(gbnf, schema);
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

function numberRule(gbnf: GbnfRules, { kind, min, max }: Extract<Schema, { kind: 'integer' | 'number' }>): string {
  if (min === -largest && max === largest) return jsonRule(gbnf, kind);
  jsonRule(gbnf, 'digit');
  if (kind === 'integer') return gbnf.add(integerRange(min, max));
  jsonRule(gbnf, 'fraction');
  return gbnf.add(decimalRange(min, max));
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
function objectRule(writer: Writer, { properties, rest }: Extract<Schema, { kind: 'object' }>): string {
  const { gbnf } = writer;
  const comma = jsonRule(gbnf, 'comma');
  const colon = jsonRule(gbnf, 'colon');
  const members = properties.map(({ name, schema, required }) => ({
    text: gbnf.add(`${jsonLiteral(name)} ${colon} ${rule(writer, schema)}`),
    required,
  }));
  const names = properties.map(({ name }) => name);
  const other = rest && gbnf.add(`${otherKeys(gbnf, names)} ${colon} ${rule(writer, rest)}`);

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
