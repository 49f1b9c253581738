import { createHash } from 'node:crypto';
import { InvalidArgumentError } from 'commander';
import type { BatchEntry } from './entry.ts';

export interface Shard {
  /** 1 to count. */
  index: number;
  count: number;
}

/** Parses `2/8`. */
export function shardIn(text: string): Shard {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  throw new InvalidArgumentError('expected i/n, such as 1/8 to 8/8.');
}

/** The records of one shard, told by their ids alone: a record stays where it is when others come and go. */
export function selectEntries(
  entries: readonly BatchEntry[],
  { shard, limit }: { shard?: Shard; limit?: number },
): BatchEntry[] {
  const ours = shard ? entries.filter((entry) => isInShard(entry, shard)) : entries;
  return ours.slice(0, limit);
}

export function isInShard({ id }: Pick<BatchEntry, 'id'>, { index, count }: Shard): boolean {
  return shardOf(String(id), count) === index;
}

function shardOf(id: string, count: number): number {
  return (createHash('sha256').update(id).digest().readUInt32BE(0) % count) + 1;
}
