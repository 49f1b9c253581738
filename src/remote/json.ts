import { isTooDeep, maxNesting } from '../base/nesting.ts';

/** @throws SyntaxError for what is no JSON, or in which more stands in each other than can be walked */
export function parseReply(text: string): unknown {
  if (isTooDeep(text)) throw new SyntaxError(`nested more than ${maxNesting} levels deep`);
  return JSON.parse(text);
}

/** What another program sent, field by field. */
export function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

export function asList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? (value as unknown[]) : undefined;
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A whole number from 0. */
export function asCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function asNumbers(value: unknown): number[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === 'number') ? value : undefined;
}
