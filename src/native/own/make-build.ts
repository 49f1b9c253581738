import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, open, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PixtralError, errnoOf } from '../../base/errors.ts';
import { systemError } from '../../base/files.ts';
import { packageVersion, traceOf } from '../circumstances.ts';
import { lockFile } from '../file-lock.ts';
import { loadedBuild } from '../find-build.ts';
import { openNative } from '../open-native.ts';
import { machineMark } from './machine.ts';
import { tryOwnBuild } from './own-trial.ts';
import { type BuildPlan, planBuild } from './plan.ts';
import { type BuildRecord, type BuildTarget, type OwnBuild, ownBuilds, recordPath } from './record.ts';
import { carriedSource } from './source.ts';
import { type StepProgress, runSteps } from './steps.ts';
import { findToolchain, thisMachine } from './toolchain.ts';
import { unfitness } from './usable.ts';

export interface MakeOptions {
  target: BuildTarget;
  /** Where builds are kept. */
  folder: string;
  /** Compilers at once. */
  jobs: number;
  /** Builds again what is there. */
  force: boolean;
  onProgress: (progress: StepProgress) => void;
  signal: AbortSignal;
}

export interface Made {
  build: OwnBuild;
  /** It was there already. */
  isOld: boolean;
}

/**
 * Compiles what serves a target on this machine, tries it and puts it in place: whole and tried, or not at all.
 * @throws PixtralError `machine` for what is missing, cannot be compiled or computes wrongly; the reason of the signal
 */
export async function makeBuild({ target, folder, jobs, force, onProgress, signal }: MakeOptions): Promise<Made> {
  const prebuilt = await describePrebuilt();
  const source = await carriedSource(prebuilt.version);
  const toolchain = await findToolchain(target, thisMachine);
  const record: BuildRecord = {
    version: 1,
    target,
    source: source.tag,
    commit: source.commit,
    runtime: await packageVersion(),
    platform: `${process.platform}-${process.arch}`,
    machine: await machineMark(),
    compiler: toolchain.compiler,
    addon: prebuilt.addon,
    addonTrace: await traceOf(prebuilt.addon),
    files: [],
    made: new Date().toISOString(),
    speed: undefined,
  };
  const name = nameOf(record);
  const old = (await ownBuilds(folder)).find((build) => build.name === name);
  if (old && !force && (await unfitness(old)) === undefined) return { build: old, isOld: true };

  return alone(folder, async () => {
    const work = await mkdtemp(join(folder, partPrefix));
    try {
      const plan = planBuild({ target, work, bundle: source.bundle, variant: prebuilt.variant, jobs }, toolchain);
      await writeFiles(plan);
      await runSteps(plan.steps, { onProgress, signal });
      const result = join(work, 'result', name);
      await collect(plan, { result, record });
      onProgress({ title: 'try it', share: 1 });
      record.speed = await tryOwnBuild(target, { builds: dirname(result), signal });
      await writeRecord(result, record);
      signal.throwIfAborted();
      await replace(result, join(folder, name));
      return { build: { name, folder: join(folder, name), record }, isOld: false };
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
}

interface Prebuilt {
  version: string;
  addon: string;
  /** Of the arithmetic for this processor: `sapphirerapids`, or empty. */
  variant: string;
}

/** What came with the packages and runs here on the CPU. */
async function describePrebuilt(): Promise<Prebuilt> {
  const native = await openNative({ gpu: 'off', prebuilt: true, onLog: () => {} });
  try {
    const found = loadedBuild('cpu');
    const { ggmlCpu } = native.libraries;
    if (!found || ggmlCpu === undefined) {
      throw new PixtralError(
        'machine',
        `build: the runtime for ${process.platform}-${process.arch} has no arithmetic in a library of its own, which could be replaced`,
      );
    }
    const variant = /ggml-cpu-(\w+)\./.exec(basename(ggmlCpu))?.[1] ?? '';
    return { version: native.version, addon: found.addon, variant };
  } finally {
    await native.close();
  }
}

/** Equal for what comes to the same libraries. */
function nameOf({ target, commit, runtime, platform, machine, compiler, addon }: BuildRecord): string {
  const key = [commit, runtime, platform, machine, compiler, addon].join('\n');
  return `${target}-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
}

const partPrefix = '.part-';

/** One process at a time builds; what killed ones left is removed. */
async function alone<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const path = join(folder, '.lock');
  const file = await mkdir(folder, { recursive: true, mode: 0o700 })
    .then(() => open(path, 'a', 0o600))
    .catch((cause: unknown) => {
      throw systemError(path, 'cannot write', cause);
    });
  try {
    if ((await lockFile({ descriptor: file.fd, path: await realpath(path) })) === 'taken') {
      throw new PixtralError('machine', `${folder}: another process builds here`, { hint: 'wait until it has ended' });
    }
    for (const name of await readdir(folder)) {
      if (name.startsWith(partPrefix)) await rm(join(folder, name), { recursive: true, force: true });
    }
    return await work();
  } finally {
    await file.close();
  }
}

async function writeFiles({ files }: BuildPlan): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

/** Copies the libraries that were made and writes what they are. */
async function collect(
  { made }: BuildPlan,
  { result, record }: { result: string; record: BuildRecord },
): Promise<void> {
  const found = (await readdir(made.folder, { recursive: true })).filter((path) => made.names.test(basename(path)));
  if (found.length === 0) throw new Error(`${made.folder}: no library named like ${made.names.source}`);
  await mkdir(result, { recursive: true, mode: 0o700 });
  for (const path of found) {
    await copyFile(join(made.folder, path), join(result, basename(path)));
    await chmod(join(result, basename(path)), 0o700);
  }
  record.files = found.map((path) => basename(path)).sort();
  await writeRecord(result, record);
}

async function writeRecord(folder: string, record: BuildRecord): Promise<void> {
  await writeFile(recordPath(folder), `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
}

/** A process that runs keeps what it has loaded: on Windows the old folder cannot be removed then. */
async function replace(from: string, to: string): Promise<void> {
  try {
    await rm(to, { recursive: true, force: true });
    await rename(from, to);
  } catch (cause) {
    const hint = errnoOf(cause) === 'EPERM' || errnoOf(cause) === 'EBUSY' ? 'end the programs that use it' : undefined;
    throw new PixtralError('machine', `${to}: cannot be replaced`, { hint, cause });
  }
}
