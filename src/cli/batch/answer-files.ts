import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemError, writeWhole } from '../../base/files.ts';
import type { Answer } from '../../engine/answers/events.ts';
import { askJson, jsonLine } from '../../output/json.ts';
import type { BatchEntry } from './entry.ts';

/** Names that Windows takes for devices, whatever their extension. */
const devices = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
/** File systems stop at 255 bytes; an extension and `.part` come behind. */
const longest = 120;

/**
 * A file name for each id, the same in every run with these ids: other signs than letters, digits, `.`, `_` and `-`
 * become `_`, and where that makes two alike, both carry a hash. Capitals make no difference on some disks.
 */
export function fileNames(ids: readonly string[]): Map<string, string> {
  const plain = new Map(ids.map((id) => [id, safeName(id)]));
  const counts = new Map<string, number>();
  for (const name of plain.values()) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1);
  return new Map(
    [...plain].map(([id, name]) => {
      const alone = counts.get(name.toLowerCase()) === 1 && name.length <= longest && !devices.test(name);
      return [
        id,
        alone ? name : `${name.slice(0, longest)}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`,
      ];
    }),
  );
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
