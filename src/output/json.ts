import type { Answer } from '../engine/events.ts';

/** `ask --json`, version 1: fields may be added, never renamed. */
export type AskJson = Answer;

/** One line of JSON; every shape that we print says its version. */
export function jsonLine(shape: object): string {
  return `${JSON.stringify({ version: 1, ...shape })}\n`;
}

export function askJson({ model, text, finish, images, usage, timings, sampling }: Answer): AskJson {
  return { model, text, finish, images, usage, timings, sampling };
}
