import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PixtralError } from '../../base/errors.ts';
import { systemError } from '../../base/files.ts';
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
  const folder = join(cache, 'models', `demo-${createHash('sha256').update(weights).digest('hex').slice(0, 16)}`);
  if (await isWhole(folder)) return { folder };
  const native = await openWorking({ ...gpu, onLog: () => {} });
  await make(folder, native);
  return { folder, native };
}

async function isWhole(folder: string): Promise<boolean> {
  const there = await Promise.allSettled(['model.gguf', 'mmproj.gguf'].map((name) => access(join(folder, name))));
  return there.every(({ status }) => status === 'fulfilled');
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
    await rename(part, folder).catch(async (cause: unknown) => {
      if (!(await isWhole(folder))) throw systemError(folder, 'cannot write there', cause);
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}
