import { byteSize } from '../base/byte-size.ts';
import type { CacheEntry, Swept } from '../store/cache.ts';
import { table } from './table.ts';

/** `cache ls --json`, version 1. */
export function entriesJson(entries: readonly CacheEntry[], limit: number) {
  return {
    limit,
    bytes: sumOf(entries),
    entries: entries.map(({ kind, key, bytes, usedAt }) => ({ kind, key, bytes, used: usedAt.toISOString() })),
  };
}

export function entriesText(
  entries: readonly CacheEntry[],
  { folder, limit }: { folder: string; limit: number },
): string {
  const rows = entries.map(({ kind, key, bytes, usedAt }) => [
    kind,
    key.slice(0, 16),
    byteSize(bytes),
    usedAt.toISOString().slice(0, 16).replace('T', ' '),
  ]);
  const sum = `${counted(entries.length)}, ${byteSize(sumOf(entries))} of at most ${byteSize(Math.round(limit))}, in ${folder}\n`;
  return rows.length === 0 ? sum : `${table([['KIND', 'KEY', 'SIZE', 'LAST USED (UTC)'], ...rows])}${sum}`;
}

export function verifiedText({ whole, damaged }: { whole: Swept; damaged: Swept }): string {
  const bad = damaged.entries === 0 ? 'none damaged' : `${damaged.entries} damaged and removed`;
  return `${counted(whole.entries)} whole (${byteSize(whole.bytes)}), ${bad}\n`;
}

export function sweptText({ entries, bytes }: Swept): string {
  return `removed ${counted(entries)}, ${byteSize(bytes)}\n`;
}

function counted(entries: number): string {
  return entries === 1 ? '1 entry' : `${entries} entries`;
}

function sumOf(entries: readonly CacheEntry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}
