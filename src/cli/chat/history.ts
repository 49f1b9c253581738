import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFolder } from '../../base/state-folder.ts';
import type { Io } from '../io.ts';

/** Messages of earlier sessions, the latest last. */
export interface History {
  readonly lines: readonly string[];
  /** A failure is none of the conversation's. */
  add(line: string): Promise<void>;
}

export const mostRemembered = 1000;
/** A pasted file is not worth remembering. */
const longest = 4096;

/** In a file that only its user may read; one line of JSON for each message. */
export async function openHistory({ env }: Pick<Io, 'env'>): Promise<History> {
  const folder = stateFolder(env);
  const path = join(folder, 'chat-history.jsonl');
  const all = await remembered(path);
  const lines = all.slice(-mostRemembered);
  if (all.length > 2 * mostRemembered) await shorten(path, lines);
  return {
    lines,
    async add(line) {
      if (line.trim() === '' || line.startsWith(' ') || line.length > longest) return;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await appendFile(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
      } catch {
        // a disk that is full or may not be written to
      }
    },
  };
}

async function remembered(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return typeof value === 'string' ? [value] : [];
    } catch {
      return [];
    }
  });
}

async function shorten(path: string, lines: readonly string[]): Promise<void> {
  try {
    const part = `${path}.${process.pid}.part`;
    await writeFile(part, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
    await rename(part, path);
  } catch {
    // as long as before, then
  }
}
