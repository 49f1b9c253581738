import { type OnLoop, onLoops } from '../asking/events.ts';
import { PixtralError, reasonOf } from '../base/errors.ts';
import { type ExactJson, exactAt, parseExactJson } from '../base/exact-json.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import { type Range, samplingRanges } from '../asking/sampling-ranges.ts';
import { urlName } from '../image/sources/url-name.ts';

/** A record, or a part of one, and what to call it in messages. */
export interface Fields {
  where: string;
  record: Readonly<Record<string, unknown>>;
  /** The same, with numbers and the order of keys as they were written: for what a model is told word by word. */
  exact?: (() => ExactJson | undefined) | undefined;
}

/**
 * A part of a record, as it was written.
 * @throws PixtralError `input` for what is nested too deep, or has numbers without end
 */
export function exactPart({ where, record, exact }: Fields, path: readonly (string | number)[]): ExactJson | undefined {
  try {
    return exactAt(exact ? exact() : parseExactJson(JSON.stringify(record)), path);
  } catch (thrown) {
    throw new PixtralError('input', `${where}: ${reasonOf(thrown)}`, { cause: thrown });
  }
}

/** Null is as good as absent. */
export function optionalText({ where, record }: Fields, name: string): string | undefined {
  const value = record[name] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw wrong(`${where}: ${name}`, value, 'a text');
}

export function asRecord(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(where, value, 'an object');
}

/** A field that would be passed over in silence is refused by its name; null is as good as absent. */
export function checkKnown({ where, record }: Fields, known: readonly string[]): void {
  for (const [name, value] of Object.entries(record)) {
    if (value !== null && !known.includes(name)) throw new PixtralError('input', `${where}: ${name} is not supported`);
  }
}

export function wrong(where: string, value: unknown, expected: string): PixtralError {
  const withoutPassword = (_: string, inside: unknown): unknown =>
    typeof inside === 'string' ? urlName(inside) : inside;
  const shown = JSON.stringify(value, withoutPassword) ?? 'nothing';
  return new PixtralError(
    'input',
    `${where}: is ${shown.length > 40 ? `${shown.slice(0, 40)}...` : shown}, expected ${expected}`,
  );
}

/** As OpenAI's API and our own answers spell them. */
export const samplingNames = {
  max_tokens: 'maxTokens',
  max_completion_tokens: 'maxTokens',
  max_output_tokens: 'maxTokens',
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  min_p: 'minP',
  repeat_penalty: 'repeatPenalty',
  seed: 'seed',
  random_seed: 'seed', // Mistral's
} as const satisfies Record<string, keyof typeof samplingRanges>;

/** The options that are common to all, with those that a record sets for itself. */
export function samplingFields(fields: Fields, common: RecordQuestion['options']): RecordQuestion['options'] {
  const options = { ...common };
  for (const [name, option] of Object.entries(samplingNames)) {
    const value = fields.record[name] ?? undefined;
    if (value === undefined) continue;
    options[option] = numberField(value, `${fields.where}: ${name}`, samplingRanges[option]);
  }
  const onLoop = fields.record['on_loop'] ?? undefined;
  if (onLoop !== undefined) options.onLoop = onLoopField(onLoop, `${fields.where}: on_loop`);
  const told = fields.record['tell_schema'] ?? undefined;
  if (told !== undefined && typeof told !== 'boolean')
    throw wrong(`${fields.where}: tell_schema`, told, 'true or false');
  if (told !== undefined) options.tellSchema = told;
  const stop = fields.record['stop'] ?? undefined;
  return stop === undefined ? options : { ...options, stop: textList(stop, `${fields.where}: stop`) };
}

function onLoopField(value: unknown, where: string): OnLoop {
  const known = onLoops.find((one) => one === value);
  if (known) return known;
  throw wrong(where, value, onLoops.map((one) => JSON.stringify(one)).join(' or '));
}

/** A text, or a list of them. */
export function textList(value: unknown, where: string): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value;
  throw wrong(where, value, 'a text or a list of texts');
}

export function numberField(value: unknown, where: string, { min, max, integer = false }: Range): number {
  if (typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
  throw wrong(where, value, `${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`);
}
