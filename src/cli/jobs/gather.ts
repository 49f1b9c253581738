import { createHash } from 'node:crypto';
import { parseShallow } from '../../base/nesting.ts';
import { placeOf } from '../batch/record-lines.ts';
import { type HostResult, customIdIn, hostResult } from './host-result.ts';
import { type Manifest, isAsked } from './manifest.ts';
import type { ResultFiles, ResultPlace } from './result-files.ts';

/** What all result files say about one custom id. Bodies stay on the disk. */
export interface Found {
  /** Different answers, each at the first place where it stands. */
  answers: { digest: string; place: ResultPlace }[];
  failure: ResultPlace | undefined;
}

/** Lines that are not believed, each as `results.jsonl, line 7: why`. */
export interface Strange {
  /** No record of these jobs has such a custom id. */
  unknown: string[];
  /** Answers to what a record asked before it was changed. */
  outdated: string[];
  /** No results at all. */
  unreadable: string[];
  /** Their last lines end early. */
  cut: string[];
}

export interface Gathered {
  found: Map<string, Found>;
  strange: Strange;
}

/** Reads all result files, in whatever order they and their lines come. */
export async function gather(
  paths: readonly string[],
  { files, manifest, signal }: { files: ResultFiles; manifest: Manifest; signal: AbortSignal },
): Promise<Gathered> {
  const found = new Map<string, Found>();
  const strange: Strange = { unknown: [], outdated: [], unreadable: [], cut: [] };
  for (const path of paths) {
    let number = 0;
    for await (const { bytes, offset, ended } of files.lines(path)) {
      signal.throwIfAborted();
      const where = `${path === '-' ? 'standard input' : path}, line ${++number}`;
      const line = parsed(bytes);
      if (line === 'blank') continue;
      if (line === 'no JSON') {
        if (ended) strange.unreadable.push(`${where}: is no JSON`);
        else strange.cut.push(where);
        continue;
      }
      const customId = customIdIn(line.value);
      if (customId === undefined) strange.unreadable.push(`${where}: is no result of a batch job`);
      else if (isCurrent(customId, { manifest, where, strange })) {
        add(found, { customId, result: hostResult(line.value), place: { path, ...placeOf({ bytes, offset }, where) } });
      }
    }
  }
  return { found, strange };
}

/** A line of results as JSON. */
export function parsed(bytes: Uint8Array): { value: unknown } | 'blank' | 'no JSON' {
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === '') return 'blank';
  try {
    return { value: parseShallow(text) };
  } catch {
    return 'no JSON';
  }
}

function isCurrent(
  customId: string,
  { manifest, where, strange }: { manifest: Manifest; where: string; strange: Strange },
): boolean {
  const asked = manifest.customIds.get(customId);
  if (!asked) {
    strange.unknown.push(`${where}: ${JSON.stringify(customId.slice(0, 60))}`);
    return false;
  }
  const now = manifest.records.get(String(asked.id));
  if (now && isAsked(now) && now.hash === asked.hash) return true;
  strange.outdated.push(`${where}: ${JSON.stringify(asked.id)}`);
  return false;
}

function add(
  found: Map<string, Found>,
  { customId, result, place }: { customId: string; result: HostResult; place: ResultPlace },
): void {
  const entry = found.get(customId) ?? { answers: [], failure: undefined };
  found.set(customId, entry);
  if (result.kind === 'failed') {
    entry.failure ??= place;
    return;
  }
  const digest = digestOf(result);
  if (!entry.answers.some((answer) => answer.digest === digest)) entry.answers.push({ digest, place });
}

/** The same request sent twice is answered twice, with other times: what it says is what counts. */
export function digestOf({ answer }: Extract<HostResult, { kind: 'answer' }>): string {
  const calls = answer.reply.calls.map(({ function: called }) => called); // their ids are made anew
  return createHash('sha256')
    .update(JSON.stringify([answer.text, answer.finish, calls]))
    .digest('hex')
    .slice(0, 32);
}
