import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../base/files.ts';

/** A file as OpenAI's API describes it. */
export interface StoredFile {
  id: string;
  object: 'file';
  bytes: number;
  created_at: number;
  filename: string;
  purpose: 'batch' | 'batch_output';
  status: 'processed';
}

export function newFileId(): string {
  return `file-${randomBytes(16).toString('hex')}`;
}

/** The same for the same name: what a server that was killed had begun to write is written over. */
export function fileIdOf(name: string): string {
  return `file-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}

const isFileId = (id: string): boolean => /^file-[0-9a-f]{32}$/.test(id);

/** Files of batches in a folder: each there whole, with its description, or not at all. */
export class FileStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes the place of one of the same id. */
  async add(
    bytes: Uint8Array,
    { id, filename, purpose }: Pick<StoredFile, 'id' | 'filename' | 'purpose'>,
  ): Promise<StoredFile> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file: StoredFile = {
      id,
      object: 'file',
      bytes: bytes.byteLength,
      created_at: Math.floor(Date.now() / 1000),
      filename,
      purpose,
      status: 'processed',
    };
    const how = { force: true, signal: undefined };
    await writeWhole(this.path(id), { bytes, ...how });
    await writeWhole(this.#description(id), { bytes: Buffer.from(JSON.stringify(file)), ...how });
    return file;
  }

  async get(id: string): Promise<StoredFile | undefined> {
    if (!isFileId(id)) return undefined;
    const text = await readFile(this.#description(id), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as StoredFile); // our own
  }

  /** The newest first. */
  async list(): Promise<StoredFile[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    const files = await Promise.all(ids.map((id) => this.get(id)));
    return files.filter((file) => file !== undefined).toSorted((a, b) => b.created_at - a.created_at);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#description(id), { force: true });
    await rm(this.path(id), { force: true });
  }

  /** Its content. */
  path(id: string): string {
    return join(this.#folder, id);
  }

  async isThere(id: string): Promise<boolean> {
    return isFileId(id) && (await stat(this.#description(id)).catch(() => undefined)) !== undefined;
  }

  #description(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
