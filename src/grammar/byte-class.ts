import type { CodeRange } from './read-gbnf.ts';

/** Where a character stands: what its next byte leads to. */
export interface ByteNode {
  readonly id: number;
  /** By byte; undefined: no character of the class goes on so. */
  readonly next: readonly (ByteNode | 'end' | undefined)[];
}

interface Growing {
  id: number;
  next: (Growing | 'end' | undefined)[];
}

/** Nodes of classes of characters as UTF-8 (RFC 3629): what is no well-formed text, or has a NUL, is in none of them. */
export class ByteClasses {
  readonly #known = new Map<string, ByteNode>();
  /** Any 0, 1, 2 or 3 bytes that continue a character. */
  readonly #full: (Growing | 'end')[] = ['end'];
  #count = 0;

  constructor() {
    for (let rest = 1; rest <= 3; rest++) {
      const node = this.#empty();
      node.next.fill(this.#full[rest - 1], 0x80, 0xc0);
      this.#full.push(node);
    }
  }

  node(ranges: readonly CodeRange[]): ByteNode {
    const key = ranges.join();
    let root = this.#known.get(key);
    if (!root) {
      const growing = this.#empty();
      for (const [low, high] of ranges) this.#add(growing, { low: Math.max(1, low), high });
      this.#known.set(key, (root = growing));
    }
    return root;
  }

  #empty(): Growing {
    return { id: this.#count++, next: Array.from({ length: 256 }, () => undefined) };
  }

  /** In parts of one length in bytes each, without surrogates. */
  #add(root: Growing, { low, high }: { low: number; high: number }): void {
    for (const [first, last] of lengths) {
      const [from, to] = [Math.max(low, first), Math.min(high, last)];
      if (from <= to) this.#addSame(root, { low: utf8(from), high: utf8(to), at: 0 });
    }
  }

  /** All byte sequences from `low` to `high`, of one length, with every continuation between them. */
  #addSame(node: Growing, { low, high, at }: { low: number[]; high: number[]; at: number }): void {
    const [first, last] = [low[at]!, high[at]!];
    const rest = low.length - at - 1;
    for (let byte = first; byte <= last; byte++) {
      const from = byte === first ? low.slice(at + 1) : Array<number>(rest).fill(0x80);
      const to = byte === last ? high.slice(at + 1) : Array<number>(rest).fill(0xbf);
      const isFull = from.every((one) => one === 0x80) && to.every((one) => one === 0xbf);
      if (isFull) node.next[byte] = this.#full[rest]!;
      const inner = node.next[byte] ?? (node.next[byte] = this.#empty());
      if (typeof inner === 'string' || this.#full.includes(inner)) continue;
      this.#addSame(inner, {
        low: [...low.slice(0, at + 1), ...from],
        high: [...high.slice(0, at + 1), ...to],
        at: at + 1,
      });
    }
  }
}

/** Code points of equal length in UTF-8, split around the surrogates. */
const lengths: readonly CodeRange[] = [
  [0x1, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xfff],
  [0x1000, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x3ffff],
  [0x40000, 0xfffff],
  [0x100000, 0x10ffff],
];

function utf8(code: number): number[] {
  return [...Buffer.from(String.fromCodePoint(code))];
}
