import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { writeWhole } from '../../base/files.ts';
import { entryUrl } from '../../base/place.ts';
import type { GpuChoice } from '../../native/builds.ts';
import { type TrialOptions, apart } from '../../native/trial.ts';
import { weightsFingerprint } from './fingerprint.ts';
import type { ModelFiles } from './model-files.ts';

/** What the forked process is told. */
export interface ModelTrial {
  model: string;
  mmproj: string;
  gpu: GpuChoice;
}

/** Weights are mapped, not copied: what the trial has read from the disk is there for us. */
export const modelTrialOptions: TrialOptions = {
  entry: entryUrl('engine/runtime/model-trial-entry'),
  milliseconds: 600_000,
};

/** Raise it when a trial shows something else than before. */
const version = 1;

/**
 * The second wall behind the checks of headers: a pair that was never loaded on this machine is opened and asked for a
 * token in a process of its own. What it ends by there would have ended this process; the verdict is kept by the
 * weights' fingerprint.
 * @throws PixtralError `model` when the trial ended by a signal of its own making; the reason of `signal`
 */
export async function requireSurvivor(
  { model, mmproj }: Pick<ModelFiles, 'model' | 'mmproj'>,
  options: TrialOptions & { folder: string; gpu: GpuChoice; runtime: string; signal: AbortSignal | undefined },
): Promise<void> {
  const { folder, gpu, runtime, signal } = options;
  const hash = createHash('sha256').update(`${version} ${runtime} ${gpu}\n`);
  for (const gguf of [model, mmproj]) hash.update(await weightsFingerprint(gguf));
  const path = join(folder, `${hash.digest('hex').slice(0, 32)}.json`);
  let finding = await knownFinding(path);
  if (finding === undefined) {
    const trial: ModelTrial = { model: model.path, mmproj: mmproj.path, gpu };
    const end = await apart<'lives'>(JSON.stringify(trial), { ...options, signal });
    if (!end.told && !crashes.has(end.by ?? '')) return; // memory, time: nothing that the weights did
    finding = end.finding ?? '';
    await keep(folder, path, finding);
  }
  if (finding === '') return;
  throw new PixtralError('model', `${model.path}: llama.cpp ends when it is asked: ${finding}`, {
    hint: 'the file is damaged or made to do this: get it again from a source that you trust',
  });
}

/** How ggml and the kernel end a process for what it does; a kill is somebody else's doing. */
const crashes: ReadonlySet<string> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP']);

/** '' for a pair that lives; undefined when there is no verdict. */
async function knownFinding(path: string): Promise<string | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

async function keep(folder: string, path: string, finding: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeWhole(path, { bytes: Buffer.from(JSON.stringify(finding)), force: true, signal: undefined });
  } catch {
    // read-only or full: the next process tries again
  }
}
