import { createHash, webcrypto } from 'node:crypto';
import { lstat, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PixtralError } from '../../base/errors.ts';
import { readExactly, systemError } from '../../base/files.ts';
import { packageFolder } from '../../base/place.ts';
import { readWhole } from '../../base/read-whole.ts';
import type { Native } from '../../native/native.ts';
import type { GpuOptions } from './working-gpu.ts';

/** Its name on the command line. */
export const demoName = 'demo';

export const demoNotice =
  'demo: a tiny demonstration model that knows only drawings like those in fixtures/scenes/demo, no photos';

/** The checkpoint that ships with the package. */
export const demoCheckpoint = fileURLToPath(new URL('models/demo', packageFolder));

export interface DemoFolder {
  folder: string;
  /** Opened to convert: the engine goes on with it, since two in one process would close each other's log. */
  native?: Native;
}

/** The demonstration model as a converted folder in the user's cache, made on first use, in a second or two. */
export async function demoFolder({ cache, ...gpu }: GpuOptions & { cache: string }): Promise<DemoFolder> {
  const folder = join(cache, 'models', `demo-${await checkpointName()}`);
  if (await isWhole(folder)) return { folder };
  const { openWorking } = await import('./working-gpu.ts'); // whoever finds it made needs no libraries
  const native = await openWorking({ ...gpu, onLog: () => {} });
  await make(folder, native);
  return { folder, native };
}

const samples = 64;
const sampleBytes = 4096;

/** Another version's weights differ in all places: some are enough to tell them, and need not delay every question. */
async function checkpointName(): Promise<string> {
  const path = join(demoCheckpoint, 'consolidated.safetensors');
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const positions = Array.from({ length: samples }, (_, sample) =>
        Math.floor((sample * (size - sampleBytes)) / (samples - 1)),
      );
      const parts = await Promise.all(
        positions.map((position) => readExactly(file, { path, position, length: sampleBytes })),
      );
      const hash = createHash('sha256').update(`${size}\n`);
      for (const part of parts) hash.update(part);
      return hash.digest('hex').slice(0, 16);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new PixtralError('model', `${demoCheckpoint}: the demonstration model is missing`, {
      hint: 'reinstall the package',
      cause,
    });
  }
}

const files = ['model.gguf', 'mmproj.gguf'];
/** Beside them, what they were when they were made. */
const factsName = 'made.json';
/** Far above the model's size. */
const maxBytes = 2 ** 30;

/** What a file was: its bytes need not be read again while its size and times are the same. */
interface FileFacts {
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  sha256: string;
}

/** Cut or changed files of a cache would be a model that answers wrongly. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    const text = await readWhole(join(folder, factsName), { maxBytes, what: 'sums', pipes: false });
    const made = JSON.parse(Buffer.from(text).toString()) as FileFacts[];
    if (await areUntouched(folder, made)) return true;
    const found = await factsOf(folder);
    if (!found.every(({ sha256 }, index) => sha256 === made[index]?.sha256)) return false;
    await writeFile(join(folder, factsName), JSON.stringify(found)).catch(() => {}); // a copy: it is read once
    return true;
  } catch {
    return false; // one of them is not there, or something else is
  }
}

async function areUntouched(folder: string, made: readonly FileFacts[]): Promise<boolean> {
  const found = await Promise.all(files.map((name) => lstat(join(folder, name))));
  return found.every((status, index) => {
    const { size, mtimeMs, ctimeMs } = made[index]!;
    return status.isFile() && status.size === size && status.mtimeMs === mtimeMs && status.ctimeMs === ctimeMs;
  });
}

async function factsOf(folder: string): Promise<FileFacts[]> {
  return Promise.all(
    files.map(async (name) => {
      const path = join(folder, name);
      const { size, mtimeMs, ctimeMs } = await stat(path);
      return {
        size,
        mtimeMs,
        ctimeMs,
        sha256: await sha256(await readWhole(path, { maxBytes, what: 'a model', pipes: false })),
      };
    }),
  );
}

/** On other threads: this one loads the program meanwhile. */
async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}

/** Beside, then renamed: two processes that come at once do not see half of it. */
async function make(folder: string, native: Native): Promise<void> {
  const part = `${folder}.${process.pid}`;
  await mkdir(part, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw systemError(part, 'cannot write there', cause);
  });
  try {
    const { convertCheckpoint } = await import('../convert.ts');
    await convertCheckpoint(demoCheckpoint, {
      out: part,
      type: 'f16',
      mmprojType: 'f16',
      overrides: [],
      imatrix: undefined,
      sourceUrl: undefined,
      convertedBy: 'pixtral',
      force: true,
      check: false,
      native,
    });
    await writeFile(join(part, factsName), JSON.stringify(await factsOf(part)));
    if (!(await isWhole(folder))) await rm(folder, { recursive: true, force: true }); // another process was not faster
    await rename(part, folder).catch(async (cause: unknown) => {
      if (!(await isWhole(folder))) throw systemError(folder, 'cannot write there', cause);
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}
