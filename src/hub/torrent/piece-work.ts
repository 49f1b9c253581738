import { createHash } from 'node:crypto';

export const blockBytes = 16 * 1024;

/** One piece on its way: blocks that may come from several peers. */
export interface PieceWork {
  index: number;
  length: number;
  /** The next block that nobody has been asked for, or one that `peer` may be asked for too because it takes long. */
  next(peer: string, now: number): { offset: number; length: number } | undefined;
  /** Nobody has been asked for any of it. */
  isUntouched(): boolean;
  asked(offset: number, peer: string, now: number): void;
  failed(offset: number, peer: string): void;
  /** @returns whether all blocks are there */
  came(offset: number, peer: string, bytes: Uint8Array): boolean;
  bytes(): Uint8Array;
  /** Whose bytes are in it. */
  contributors(): string[];
  restart(): void;
}

/** After which a block is asked for at another peer too. */
const slowMilliseconds = 5000;

export function pieceWork(index: number, length: number): PieceWork {
  const count = Math.ceil(length / blockBytes);
  const lengthAt = (block: number): number => Math.min(blockBytes, length - block * blockBytes);
  const bytes = Buffer.allocUnsafeSlow(length);
  let there: boolean[] = [];
  let asked: Map<string, number>[] = [];
  let contributors = new Set<string>();
  let missing = count;
  let firstOpen = 0;
  restart();

  function restart(): void {
    there = Array.from({ length: count }, () => false);
    asked = Array.from({ length: count }, () => new Map());
    contributors = new Set();
    missing = count;
    firstOpen = 0;
  }

  function open(block: number): boolean {
    return !there[block] && asked[block]!.size === 0;
  }

  return {
    index,
    length,
    next(peer, now) {
      while (firstOpen < count && !open(firstOpen)) firstOpen++;
      const slow = (_: unknown, block: number): boolean => {
        const times = asked[block]!;
        return (
          !there[block] && !times.has(peer) && times.size < 3 && now - Math.max(...times.values()) > slowMilliseconds
        );
      };
      const block = firstOpen < count ? firstOpen : there.findIndex(slow);
      return block < 0 ? undefined : { offset: block * blockBytes, length: lengthAt(block) };
    },
    isUntouched: () => missing === count && asked.every((times) => times.size === 0),
    asked: (offset, peer, now) => void asked[offset / blockBytes]!.set(peer, now),
    failed(offset, peer) {
      const block = offset / blockBytes;
      asked[block]!.delete(peer);
      if (open(block)) firstOpen = Math.min(firstOpen, block);
    },
    came(offset, peer, part) {
      const block = offset / blockBytes;
      if (there[block]) return false;
      bytes.set(part, offset);
      there[block] = true;
      contributors.add(peer);
      return --missing === 0;
    },
    bytes: () => bytes,
    contributors: () => [...contributors],
    restart,
  };
}

export function sha1Of(bytes: Uint8Array): Buffer {
  return createHash('sha1').update(bytes).digest();
}
