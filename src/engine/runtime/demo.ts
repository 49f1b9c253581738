import { webcrypto } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PixtralError } from '../../base/errors.ts';
import { systemError } from '../../base/files.ts';
import { readWhole } from '../../base/read-whole.ts';
import type { Native } from '../../native/native.ts';
import { type GpuOptions, openWorking } from './working-gpu.ts';

/** Its name on the command line. */
export const demoName = 'demo';

export const demoNotice =
  'demo: a tiny demonstration model that knows only drawings like those in fixtures/scenes/demo, no photos';

/** The checkpoint that ships with the package. */
export const demoCheckpoint = fileURLToPath(new URL('../../../models/demo', import.meta.url));

export interface DemoFolder {
  folder: string;
  /** Opened to convert: the engine goes on with it, since two in one process would close each other's log. */
  native?: Native;
}

/** The demonstration model as a converted folder in the user's cache, made on first use, in a second or two. */
export async function demoFolder({ cache, ...gpu }: GpuOptions & { cache: string }): Promise<DemoFolder> {
  const weights = await readFile(join(demoCheckpoint, 'consolidated.safetensors')).catch((cause: unknown) => {
    throw new PixtralError('model', `${demoCheckpoint}: the demonstration model is missing`, {
      hint: 'reinstall the package',
      cause,
    });
  });
  const folder = join(cache, 'models', `demo-${(await sha256(weights)).slice(0, 16)}`);
  if (await isWhole(folder)) return { folder };
  const native = await openWorking({ ...gpu, onLog: () => {} });
  await make(folder, native);
  return { folder, native };
}

const files = ['model.gguf', 'mmproj.gguf'];
/** Beside them, what they were when they were made. */
const sumsName = 'sums.json';
/** Far above the model's size. */
const maxBytes = 2 ** 30;

/** Cut or changed files of a cache would be a model that answers wrongly. They are small enough to be read each time. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    const sums = await readWhole(join(folder, sumsName), { maxBytes, what: 'sums', pipes: false });
    return Buffer.from(sums).toString() === (await sumsOf(folder));
  } catch {
    return false; // one of them is not there, or something else is
  }
}

async function sumsOf(folder: string): Promise<string> {
  const sums = files.map(async (name) =>
    sha256(await readWhole(join(folder, name), { maxBytes, what: 'a model', pipes: false })),
  );
  return JSON.stringify(await Promise.all(sums));
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
    await writeFile(join(part, sumsName), await sumsOf(part));
    if (!(await isWhole(folder))) await rm(folder, { recursive: true, force: true }); // another process was not faster
    await rename(part, folder).catch(async (cause: unknown) => {
      if (!(await isWhole(folder))) throw systemError(folder, 'cannot write there', cause);
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}
