import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemError, writeFully } from '../../base/files.ts';

export interface JobLimits {
  maxLines: number;
  maxBytes: number;
}

interface OpenJob<R> {
  name: string;
  file: FileHandle;
  lines: number;
  bytes: number;
  /** Of what stands in it, or between its lines. */
  records: R[];
}

/**
 * Job files one after the other, each there whole or not at all; `settle` is given the records of each once it is.
 * What was begun and not ended is no job: its records are done again.
 */
export class JobFiles<R> {
  readonly #folder: string;
  readonly #limits: JobLimits;
  readonly #settle: (records: readonly R[]) => Promise<void>;
  #next: number;
  #open: OpenJob<R> | undefined;
  #between: R[] = [];
  readonly written: string[] = [];

  constructor(folder: string, options: JobLimits & { next: number; settle: (records: readonly R[]) => Promise<void> }) {
    this.#folder = folder;
    this.#limits = options;
    this.#settle = options.settle;
    this.#next = options.next;
  }

  /** Adds a line, of at most `maxBytes` with its end. */
  async add(line: string, recordIn: (job: string) => R): Promise<void> {
    const bytes = Buffer.from(`${line}\n`);
    const { maxLines, maxBytes } = this.#limits;
    if (this.#open && (this.#open.lines >= maxLines || this.#open.bytes + bytes.byteLength > maxBytes)) {
      await this.#close();
    }
    const job = (this.#open ??= await this.#begin());
    await writeFully(job.file, { path: this.#part(job), position: job.bytes, bytes });
    job.lines++;
    job.bytes += bytes.byteLength;
    job.records.push(recordIn(job.name));
  }

  /** A record that has no line; it keeps its place among the others. */
  async pass(record: R): Promise<void> {
    if (this.#open) this.#open.records.push(record);
    else this.#between.push(record);
    if (this.#between.length >= 1000) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#close();
    await this.#flush();
  }

  /** Takes back what is not whole. */
  async abandon(): Promise<void> {
    if (!this.#open) return;
    await this.#open.file.close();
    await rm(this.#part(this.#open), { force: true });
    this.#open = undefined;
  }

  async #flush(): Promise<void> {
    const records = this.#between;
    this.#between = [];
    if (records.length > 0) await this.#settle(records);
  }

  async #begin(): Promise<OpenJob<R>> {
    await this.#flush();
    const name = jobName(this.#next++);
    const path = this.#part({ name });
    const file = await open(path, 'w').catch((cause: unknown) => {
      throw systemError(path, 'cannot be written', cause);
    });
    return { name, file, lines: 0, bytes: 0, records: [] };
  }

  async #close(): Promise<void> {
    const job = this.#open;
    if (!job) return;
    const path = join(this.#folder, job.name);
    try {
      await job.file.sync();
      await job.file.close();
      await rename(this.#part(job), path);
    } catch (cause) {
      throw systemError(path, 'cannot write', cause);
    }
    this.#open = undefined;
    this.written.push(job.name);
    await this.#settle(job.records);
  }

  #part({ name }: Pick<OpenJob<R>, 'name'>): string {
    return join(this.#folder, `${name}.part`);
  }
}

/** Number behind the last job that is named. */
export function nextJob(names: Iterable<string>): number {
  let last = 0;
  for (const name of names) last = Math.max(last, Number(/^job-(\d+)\.jsonl$/.exec(name)?.[1] ?? 0));
  return last + 1;
}

export function jobName(number: number): string {
  return `job-${String(number).padStart(4, '0')}.jsonl`;
}
