import type { ErrorJson } from '../../wires/error-json.ts';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { PixtralError, errnoOf } from '../../base/errors.ts';
import { readLines } from '../../base/lines.ts';
import type { Answer, PictureReceipt, ToolChoice } from '../../asking/events.ts';
import type { AskedForm } from './asked-form.ts';
import type { RecordStyle } from '../../wires/batch-line.ts';
import type { HostName } from './hosts.ts';

/** What a folder of jobs is for: its first line. */
export interface JobsHead {
  host: HostName;
  model: string;
}

interface Placed {
  id: string | number;
  style: RecordStyle;
  /** Of the question; undefined when it could not be made out. */
  hash: string | undefined;
}

/** A record that is asked in a job. */
export interface AskedRecord extends Placed {
  customId: string;
  /** File name of its job. */
  job: string;
  /** Of its answer's form, which has a line of its own. */
  form: string | undefined;
  images: readonly PictureReceipt[];
  /** Milliseconds that its pictures took. */
  imageMs: number;
  sampling: Answer['sampling'];
  /** Whether they are told. */
  logprobs?: true;
  /** Where thoughts are to be told. */
  reasoning?: 'show';
  /** Where it has tools. */
  toolChoice?: ToolChoice;
}

/** A record that could not be asked. */
export interface FailedRecord extends Placed {
  error: ErrorJson;
}

export type JobsRecord = AskedRecord | FailedRecord;

export type ManifestEntry =
  | { kind: 'head'; head: JobsHead }
  | { kind: 'form'; name: string; asked: AskedForm }
  | { kind: 'record'; record: JobsRecord };

/** All that a folder of jobs says. */
export interface Manifest {
  head: JobsHead | undefined;
  forms: Map<string, AskedForm>;
  /** The last line of each id counts. In the order of the records. */
  records: Map<string, JobsRecord>;
  /** Whose question each custom id was, that of earlier attempts included. */
  customIds: Map<string, AskedRecord>;
  /** Names of files that are whole. */
  jobs: Set<string>;
}

export const manifestName = 'manifest.jsonl';

export function emptyManifest(): Manifest {
  return { head: undefined, forms: new Map(), records: new Map(), customIds: new Map(), jobs: new Set() };
}

export function addEntry(manifest: Manifest, entry: ManifestEntry): void {
  switch (entry.kind) {
    case 'head':
      manifest.head = entry.head;
      break;
    case 'form':
      manifest.forms.set(entry.name, entry.asked);
      break;
    case 'record': {
      const { record } = entry;
      manifest.records.set(String(record.id), record);
      if (!isAsked(record)) break;
      manifest.customIds.set(record.customId, record);
      manifest.jobs.add(record.job);
      break;
    }
    default:
      entry satisfies never;
  }
}

export function isAsked(record: JobsRecord): record is AskedRecord {
  return 'customId' in record;
}

/** One for each question and attempt: an answer to another question, or of another job, has none of ours. */
export function customIdOf({ id, hash }: { id: string | number; hash: string }, attempt: number): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([String(id), hash]))
    .digest('hex')
    .slice(0, 32);
  return attempt === 1 ? `px-${digest}` : `px-${digest}-${attempt}`;
}

export function formName(asked: AskedForm): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 16);
}

/** What the folder's journal says. @throws PixtralError `input` where it has none, or holds other lines */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestName);
  const manifest = emptyManifest();
  let number = 0;
  try {
    for await (const { bytes, ended } of readLines(createReadStream(path))) {
      number++;
      const entry = readManifestLine(new TextDecoder().decode(bytes));
      if (entry) addEntry(manifest, entry);
      else if (ended) {
        throw new PixtralError('input', `${path}, line ${number}: is none of pixtral batch split's lines`);
      }
    }
  } catch (thrown) {
    if (thrown instanceof PixtralError) throw thrown;
    const missing = ['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '');
    const what = missing ? `has no ${manifestName}` : `its ${manifestName} cannot be read`;
    throw new PixtralError('input', `${folder}: ${what}, expected a folder that pixtral batch split wrote`, {
      hint: 'name the folder of -o first, then the result files',
      cause: thrown,
    });
  }
  if (!manifest.head) throw new PixtralError('input', `${path}: is empty, expected what pixtral batch split wrote`);
  return manifest;
}

export function manifestLine(entry: ManifestEntry): string {
  switch (entry.kind) {
    case 'head':
      return JSON.stringify({ version: 1, split: entry.head });
    case 'form':
      return JSON.stringify({ version: 1, form: entry.name, asked: entry.asked });
    case 'record':
      return JSON.stringify({ version: 1, record: entry.record });
    default:
      return entry satisfies never;
  }
}

/** Whether a line that ends early was going to be one of ours. */
export function beginsLikeManifestLine(part: string): boolean {
  const beginning = '{"version":1,"';
  return /^\0+$/.test(part) || part.startsWith(beginning) || beginning.startsWith(part);
}

/** undefined for what is none of our lines. Only who wrote the folder writes it: shapes are told by their marks. */
export function readManifestLine(line: string): ManifestEntry | undefined {
  let shape: unknown;
  try {
    shape = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(shape) || shape['version'] !== 1) return undefined;
  const { split, form, asked, record } = shape;
  if (isObject(split)) return { kind: 'head', head: split as unknown as JobsHead };
  if (typeof form === 'string' && isObject(asked)) return { kind: 'form', name: form, asked: asked as AskedForm };
  if (!isObject(record) || !['string', 'number'].includes(typeof record['id'])) return undefined;
  return { kind: 'record', record: record as unknown as JobsRecord };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
