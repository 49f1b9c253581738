import type { Tekken } from '../../src/tokenizer/tekken.ts';

/** Continuation bytes that may still come (count) and the range of the first of them. */
interface Expected {
  count: number;
  min: number;
  max: number;
}
const nothing: Expected = { count: 0, min: 0x80, max: 0xbf };

/**
 * Which ids keep an answer well-formed UTF-8 (RFC 3629) without NUL. llama.cpp's grammar reads bytes leniently: an
 * overlong form would pass there as one character and come out as several U+FFFD.
 */
export function textFilter(
  tekken: Tekken,
  { endsText }: { endsText: (id: number) => boolean },
): { never: readonly number[]; allows(id: number): boolean; accept(id: number): void } {
  let expected = nothing;
  const never: number[] = [];
  for (let id = 0; id < tekken.vocabularySize; id++) if (tekken.isControl(id) && !endsText(id)) never.push(id);
  return {
    never,
    allows: (id) => after(expected, tekken.bytes(id)) !== undefined,
    accept: (id) => {
      expected = after(expected, tekken.bytes(id)) ?? nothing;
    },
  };
}

/** What is expected after some more bytes; undefined when they are not UTF-8. */
function after(before: Expected, bytes: Uint8Array): Expected | undefined {
  let expected = before;
  for (const byte of bytes) {
    if (expected.count > 0) {
      if (byte < expected.min || byte > expected.max) return undefined;
      expected = { ...nothing, count: expected.count - 1 };
    } else {
      const next = afterFirst(byte);
      if (!next) return undefined;
      expected = next;
    }
  }
  return expected;
}

function afterFirst(byte: number): Expected | undefined {
  if (byte < 0x80) return byte === 0 ? undefined : nothing;
  if (byte >= 0xc2 && byte <= 0xdf) return { ...nothing, count: 1 };
  if (byte >= 0xe0 && byte <= 0xef) {
    return { count: 2, min: byte === 0xe0 ? 0xa0 : 0x80, max: byte === 0xed ? 0x9f : 0xbf };
  }
  if (byte >= 0xf0 && byte <= 0xf4) {
    return { count: 3, min: byte === 0xf0 ? 0x90 : 0x80, max: byte === 0xf4 ? 0x8f : 0xbf };
  }
  return undefined;
}
