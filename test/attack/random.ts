/** Numbers that a seed decides: the same mutant every time. */
export interface Random {
  /** A whole number from 0 to n - 1. */
  below(n: number): number;
  pick<T>(list: readonly T[]): T;
  chance(probability: number): boolean;
}

/** mulberry32 over a seed and the number of the mutant. */
export function seeded(seed: number, index: number): Random {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return { below, pick: (list) => list[below(list.length)]!, chance: (probability) => next() < probability };
}

/** Changes, doubles, takes out or puts in some bytes; the beginning, where headers are, more often than the rest. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  let changed = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--) {
    const reach = random.chance(0.7) ? Math.min(changed.byteLength, 30_000) : changed.byteLength;
    const at = random.below(reach);
    const run = 1 + random.below(random.chance(0.9) ? 8 : 4096);
    switch (random.below(5)) {
      case 0:
        changed[at] = random.below(256);
        break;
      case 1:
        changed.fill(random.pick([0, 0xff, 0x7f, 0x80]), at, Math.min(at + run, changed.byteLength));
        break;
      case 2:
        changed = changed.subarray(0, at);
        break;
      case 3:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + run)]);
        break;
      default:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at, at + run), changed.subarray(at)]);
    }
    if (changed.byteLength === 0) break;
  }
  return changed;
}
