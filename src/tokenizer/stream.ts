import type { Tekken } from './tekken.ts';

export interface TextStream {
  /** The text that became whole with this id; empty while a character is still cut in half. */
  push(id: number): string;
  /** What is left: U+FFFD for a character that never became whole. */
  end(): string;
}

/** Turns ids into text as they arrive. Joined, the texts equal `tekken.decode` of all ids. */
export function textStream(tekken: Tekken): TextStream {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push: (id) => (tekken.isControl(id) ? decoder.decode() : decoder.decode(tekken.bytes(id), { stream: true })),
    end: () => decoder.decode(),
  };
}
