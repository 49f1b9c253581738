import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemError, writeWhole } from '../../base/files.ts';
import type { Answer } from '../../asking/events.ts';
import { askJson, jsonLine } from '../../wires/json.ts';
import type { BatchEntry } from './entry.ts';

/** Names that Windows takes for devices, whatever stands behind their first dot. */
const devices = /^(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(\.|$)/i;
/** File systems stop at 255 bytes; a hash, an extension and `.part` come behind. */
const longest = { characters: 120, bytes: 200 };

/**
 * A file name for each id, the same in every run with these ids: other signs than letters, digits, `.`, `_` and `-`
 * become `_`, and where that makes two alike, both carry a hash. Capitals make no difference on some disks.
 */
export function fileNames(ids: readonly string[]): Map<string, string> {
  const plain = new Map(ids.map((id) => [id, safeName(id)]));
  const counts = new Map<string, number>();
  for (const name of plain.values()) counts.set(folded(name), (counts.get(folded(name)) ?? 0) + 1);
  return new Map(
    [...plain].map(([id, name]) => {
      const short = shortened(name);
      const alone = counts.get(folded(name)) === 1 && short === name && !devices.test(name);
      return [id, alone ? name : `${devices.test(short) ? short.replace('.', '_') : short}-${hashOf(id)}`];
    }),
  );
}

/** Names that are one to a disk: it may know no capitals, and only one way to write an accent. */
function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

function shortened(name: string): string {
  let short = name.slice(0, longest.characters).replace(/[\ud800-\udbff]$/, ''); // no half of a pair
  while (Buffer.byteLength(short) > longest.bytes) short = Array.from(short).slice(0, -1).join('');
  return short;
}

/** Halves of pairs are alike in UTF-8, but not in JSON. */
function hashOf(id: string): string {
  const text = Buffer.from(id).toString() === id ? id : JSON.stringify(id);
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function safeName(id: string): string {
  const safe = id
    .replace(/^(\.{0,2}[/\\])+/, '')
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^[.-]+/, '_');
  return safe === '' ? '_' : safe;
}

export interface AnswerFiles {
  /** The answer, or nothing where an earlier answer would now be wrong. */
  write(entry: BatchEntry, answer: Answer | undefined): Promise<void>;
}

/** One file for each answer in a folder of their own, there whole or not at all. */
export async function answerFiles(
  folder: string,
  { entries, json }: { entries: readonly BatchEntry[]; json: boolean },
): Promise<AnswerFiles> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw systemError(folder, 'cannot be made', cause);
  });
  const names = fileNames(entries.map(({ id }) => String(id)));
  return {
    async write({ id }, answer) {
      const path = join(folder, `${names.get(String(id))!}.${json ? 'json' : 'txt'}`);
      if (!answer) return rm(path, { force: true });
      const text = json ? jsonLine({ id, ...askJson(answer) }) : `${answer.text.replace(/\n$/, '')}\n`;
      await writeWhole(path, { bytes: Buffer.from(text), force: true, signal: undefined });
    },
  };
}
