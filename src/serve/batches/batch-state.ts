import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../base/files.ts';
import type { Endpoint } from '../../wires/endpoints.ts';

type Status = 'validating' | 'in_progress' | 'finalizing' | 'completed' | 'failed' | 'cancelling' | 'cancelled';

export interface LineError {
  code: string;
  message: string;
  line: number | null;
  param: null;
}

/** A batch as OpenAI's API describes it. */
export interface BatchState {
  id: string;
  object: 'batch';
  endpoint: Endpoint;
  errors: { object: 'list'; data: LineError[] } | null;
  input_file_id: string;
  completion_window: string;
  status: Status;
  output_file_id: string | null;
  error_file_id: string | null;
  created_at: number;
  in_progress_at: number | null;
  finalizing_at: number | null;
  completed_at: number | null;
  failed_at: number | null;
  cancelling_at: number | null;
  cancelled_at: number | null;
  request_counts: { total: number; completed: number; failed: number };
  metadata: Readonly<Record<string, unknown>> | null;
}

export function newBatch({
  endpoint,
  inputFileId,
  completionWindow,
  metadata,
}: {
  endpoint: Endpoint;
  inputFileId: string;
  completionWindow: string;
  metadata: BatchState['metadata'];
}): BatchState {
  return {
    id: `batch_${randomBytes(16).toString('hex')}`,
    object: 'batch',
    endpoint,
    errors: null,
    input_file_id: inputFileId,
    completion_window: completionWindow,
    status: 'validating',
    output_file_id: null,
    error_file_id: null,
    created_at: now(),
    in_progress_at: null,
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
    metadata,
  };
}

/** With the time at which it came to that. */
export function withStatus(batch: BatchState, status: Exclude<Status, 'validating'>): BatchState {
  return { ...batch, status, [`${status}_at`]: now() };
}

export function hasEnded({ status }: BatchState): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** States of batches in a folder, each written whole. */
export class BatchStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async save(batch: BatchState): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const bytes = Buffer.from(JSON.stringify(batch));
    await writeWhole(join(this.#folder, `${batch.id}.json`), { bytes, force: true, signal: undefined });
  }

  /** The oldest first. */
  async all(): Promise<BatchState[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const states = names
      .filter((name) => /^batch_[0-9a-f]{32}\.json$/.test(name))
      .map(async (name) => JSON.parse(await readFile(join(this.#folder, name), 'utf8')) as BatchState); // our own
    return (await Promise.all(states)).toSorted((a, b) => a.created_at - b.created_at);
  }

  /** Lines that are answered, as they were. */
  journal(id: string): string {
    return join(this.#folder, `${id}.jsonl`);
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
