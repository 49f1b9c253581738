import type { Answer } from '../asking/events.ts';

/** `ask --json`, version 1: fields may be added, never renamed. */
export type AskJson = Answer;

/** One line of JSON; every shape that we print says its version. Escapes what terminals obey and JSON lets pass (C1). */
export function jsonLine(shape: object): string {
  const text = JSON.stringify({ version: 1, ...shape });
  return `${text.replaceAll(/[\u007f-\u009f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)}\n`;
}

export function askJson(answer: Answer): AskJson {
  const {
    model,
    text,
    finish,
    images,
    usage,
    timings,
    sampling,
    data,
    confidence,
    alternatives,
    logprobs,
    retried,
    server,
    reasoning,
    tool_calls: calls,
  } = answer;
  return {
    model,
    text,
    ...(reasoning !== undefined && { reasoning }),
    ...(calls && { tool_calls: calls }),
    ...(data !== undefined && { data }),
    ...(confidence && { confidence }),
    ...(alternatives && { alternatives }),
    finish,
    ...(retried && { retried }),
    images,
    usage,
    timings,
    sampling,
    ...(logprobs && { logprobs }),
    ...(server && { server }),
  };
}
