import { keyOfStep } from '../base/json-pointer.ts';
import { type Json, type JsonObject, isObject } from './schema.ts';

/**
 * A JSON Schema for a reader, in few tokens: `{"shop": string, "date"?: date, "items": [{"price": number}]}`. Objects and
 * lists are written as they look, with types for values; `?` behind a name: it may be missing; `|`: one of several.
 * Descriptions stand in parentheses, definitions that are named behind it, each once.
 */
export function compactSchema(document: Json): string {
  const named = new Map<string, string>();
  const whole = written(document, { document, named, depth: 0 });
  const definitions = [...named].map(([name, text]) => `${name} = ${text}`);
  return [whole, ...definitions].join('\n');
}

interface Writing {
  document: Json;
  /** Definitions that are referred to, by name. */
  named: Map<string, string>;
  depth: number;
}

/** Beyond, a reader is told no more. */
const maxDepth = 12;
const mostValues = 40;
const longestDescription = 200;

function written(schema: Json, at: Writing): string {
  if (!isObject(schema) || at.depth > maxDepth) return 'any';
  const inside = { ...at, depth: at.depth + 1 };
  const { description } = schema;
  const note = typeof description === 'string' ? ` (${shortened(description)})` : '';
  return shape(schema, inside) + note;
}

function shape(schema: JsonObject, at: Writing): string {
  const { $ref: ref, const: only, enum: values, anyOf, oneOf, allOf } = schema;
  if (typeof ref === 'string') return reference(ref, at);
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(values)) return choice(values.map((value) => JSON.stringify(value)));
  const branches = anyOf ?? oneOf;
  if (Array.isArray(branches)) return choice(branches.map((branch) => written(branch, at)));
  if (Array.isArray(allOf)) return allOf.map((part) => written(part, at)).join(' & ');
  return typed(schema, at);
}

function typed(schema: JsonObject, at: Writing): string {
  const { type, properties, items, prefixItems, format, pattern } = schema;
  if (Array.isArray(type)) return choice(type.map((one) => typed({ ...schema, type: one }, at)));
  if (type === 'object' || properties !== undefined) return object(schema, at);
  if (type === 'array' || items !== undefined || prefixItems !== undefined) {
    const first = Array.isArray(prefixItems) ? prefixItems.map((item) => written(item, at)) : [];
    const rest = items === undefined || items === false ? [] : [written(items, at), '...'];
    return `[${[...first, ...rest].join(', ')}]`;
  }
  if (typeof format === 'string') return format;
  if (typeof pattern === 'string') return `string like /${pattern}/`;
  if (type === 'integer' || type === 'number') return type + bounds(schema);
  return typeof type === 'string' ? type : 'any';
}

function object({ properties, required, additionalProperties }: JsonObject, at: Writing): string {
  const needed = Array.isArray(required) ? required : [];
  const members = Object.entries(isObject(properties) ? properties : {}).map(
    ([name, value]) => `${JSON.stringify(name)}${needed.includes(name) ? '' : '?'}: ${written(value, at)}`,
  );
  if (isObject(additionalProperties)) members.push(`...: ${written(additionalProperties, at)}`);
  return `{${members.join(', ')}}`;
}

function bounds({ minimum, maximum }: JsonObject): string {
  if (minimum === undefined && maximum === undefined) return '';
  return ` ${minimum === undefined ? '' : JSON.stringify(minimum)}..${maximum === undefined ? '' : JSON.stringify(maximum)}`;
}

/** By the last step of its pointer; what it stands for is written once. */
function reference(ref: string, at: Writing): string {
  const steps = ref
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '');
  const name = steps.at(-1) ?? 'Root';
  if (at.named.has(name)) return name;
  at.named.set(name, '');
  let target: Json | undefined = at.document;
  for (const step of steps) {
    const key = keyOfStep(decodeURIComponent(step));
    target = typeof target === 'object' && target !== null ? (target as JsonObject)[key] : undefined;
  }
  at.named.set(name, written(target ?? true, { ...at, depth: 0 }));
  return name;
}

function choice(texts: readonly string[]): string {
  const shown = [...new Set(texts)];
  return shown.length > mostValues ? `${shown.slice(0, mostValues).join(' | ')} | ...` : shown.join(' | ');
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > longestDescription ? `${line.slice(0, longestDescription)}...` : line;
}
