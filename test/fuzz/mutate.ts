/** A whole number from 0 to below `limit`. */
export type Random = (limit: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

interface Material {
  /** Of another file, for pieces. */
  other: Uint8Array;
  random: Random;
}

/** A file with one to three changes of the kinds that break parsers. */
export function changed(bytes: Uint8Array, material: Material): Uint8Array {
  let result: Buffer = Buffer.from(bytes);
  for (let times = 1 + material.random(3); times > 0; times--) {
    result = changes[material.random(changes.length)]!(result, material);
  }
  return result;
}

const extremes = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

const changes: readonly ((bytes: Buffer, material: Material) => Buffer)[] = [
  function oneByte(bytes, { random }) {
    if (bytes.length > 0) bytes[random(bytes.length)] = random(256);
    return bytes;
  },
  function oneBit(bytes, { random }) {
    if (bytes.length > 0) bytes[random(bytes.length)]! ^= 1 << random(8);
    return bytes;
  },
  /** Lengths, counts and sides stand near the beginning. */
  function extremeNumber(bytes, { random }) {
    const at = random(Math.max(1, Math.min(bytes.length, random(2) === 0 ? 256 : bytes.length) - 4));
    if (bytes.length < 8) return bytes;
    const value = extremes[random(extremes.length)]!;
    if (random(2) === 0) bytes.writeUInt32BE(value, at);
    else bytes.writeUInt32LE(value, at);
    return bytes;
  },
  function cut(bytes, { random }) {
    return bytes.subarray(0, random(bytes.length + 1));
  },
  function without(bytes, { random }) {
    const at = random(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(64))]);
  },
  function twice(bytes, { random }) {
    const at = random(bytes.length + 1);
    const length = random(512);
    return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
  },
  function spliced(bytes, { other, random }) {
    const at = random(bytes.length + 1);
    const from = random(other.length + 1);
    const piece = other.subarray(from, from + random(256));
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.length)]);
  },
];
