import type { Answer } from '../engine/events.ts';

/** `ask --json`, version 1: fields may be added, never renamed. */
export interface AskJson extends Answer {
  version: 1;
}

/** One line of JSON. */
export function jsonLine<T extends { version: 1 }>(value: T): string {
  return `${JSON.stringify(value)}\n`;
}

export function askJson({ model, text, finish, images, usage, timings, sampling }: Answer): AskJson {
  return { version: 1, model, text, finish, images, usage, timings, sampling };
}
