import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { PixtralError } from '../base/errors.ts';
import { checkFile } from './check-file.ts';
import { inFolder } from './out-folder.ts';
import { isFinished, partOf, publish, removeParts, wholeTensors, writePart } from './part-file.ts';
import { convertSlices } from './pipeline.ts';
import { type PlannedFile, type PlanningOptions, planPair } from './plan-pair.ts';
import type { RowCodec } from './rows.ts';
import { slicesOf, targetOffset } from './slices.ts';
import { type SourceFiles, sourceFiles } from './source-files.ts';

export interface ConvertProgress {
  /** The second reading of `check` counts anew. */
  stage: 'write' | 'check';
  tensor: string;
  /** Path of the file. */
  file: string;
  /** Of both files; what an earlier run left counts as done. */
  doneBytes: number;
  totalBytes: number;
  /** What this run need not do again. */
  skippedBytes: number;
}

export interface RunOptions {
  /** Replace files that are there. */
  force: boolean;
  /** Convert once more, and compare with what stands on disk; finished files are not refused then, but checked. */
  check: boolean;
  /** Stops within some slices of a quarter of a million weights; what is written can be gone on with. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ConvertProgress) => void) | undefined;
  /** May still be loading while the conversion is planned. */
  codec: Promise<RowCodec>;
}

export interface Converted {
  /** Paths of the two files. */
  model: string;
  mmproj: string;
  bytes: number;
  /** Of `bytes`, how many an earlier run had written already. */
  resumedBytes: number;
  checked: boolean;
  notes: string[];
}

/**
 * Converts a checkpoint folder to a pair of GGUF files, slice by slice, in memory of some 100 MB. The files grow as
 * `.part` and get their names together at the end. Faults leave nothing; a kill or a fired signal leaves parts that
 * the next run of the same conversion goes on with.
 * @throws PixtralError as `planPair`, `machine` for a full disk and the like, `usage` when the pair is there already
 */
export async function convert(folder: string, options: PlanningOptions & RunOptions): Promise<Converted> {
  const source = sourceFiles();
  try {
    const { files, byteLength, notes } = await planPair(folder, { source, options });
    const states = await Promise.all(files.map((file) => withState(file, options)));
    const work: Work = { files: states, source, codec: await options.codec, options };
    const resumedBytes = work.files.reduce((sum, { bytes }) => sum + bytes, 0);
    const finished = work.files.every((file) => file.finished);
    if (finished && !options.check) throw alreadyThere(options.out);
    if (!finished) await inFolder(options.out, byteLength - resumedBytes, () => write(work));
    if (options.check) await check(work);
    const [model = '', mmproj = ''] = files.map(({ path }) => path);
    return { model, mmproj, bytes: byteLength, resumedBytes, checked: options.check, notes };
  } finally {
    await source.close();
  }
}

/** With what stands on disk of it. */
interface FileWithState extends PlannedFile {
  /** It has its name already: a run was killed between the two renames, or is over. */
  finished: boolean;
  /** Whole tensors in the part; undefined: start over. */
  whole: number | undefined;
  /** Of the tensors that need not be written again. */
  bytes: number;
}

interface Work {
  files: readonly FileWithState[];
  source: SourceFiles;
  codec: RowCodec;
  options: RunOptions;
}

async function withState(file: PlannedFile, { force, check: checks }: RunOptions): Promise<FileWithState> {
  const { path, layout } = file;
  const bytesOf = (count: number): number =>
    layout.tensors.slice(0, count).reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (!force && (await exists(path))) {
    if (!checks && !(await isFinished(path, layout))) throw alreadyThere(path);
    return { ...file, finished: true, whole: undefined, bytes: bytesOf(layout.tensors.length) };
  }
  const whole = await wholeTensors(partOf(path), layout);
  return { ...file, finished: false, whole, bytes: bytesOf(whole ?? 0) };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function alreadyThere(path: string): PixtralError {
  return new PixtralError('usage', `${path}: is there already`, {
    hint: 'use --force to replace it, --check to compare it with the checkpoint, or another --out',
  });
}

async function write(work: Work): Promise<void> {
  const report = reporter('write', work);
  const open = work.files.filter(({ finished }) => !finished);
  const paths = open.map(({ path }) => path);
  try {
    for (const file of open) await writeFile(file, { work, report });
    await publish(paths);
  } catch (thrown) {
    if (work.options.signal?.aborted !== true) await removeParts(paths);
    throw thrown;
  }
}

async function writeFile(
  { path, tensors, layout, whole }: FileWithState,
  { work, report }: { work: Work; report: Report },
): Promise<void> {
  const offsets = new Map(layout.tensors.map(({ name, offset }) => [name, offset]));
  const slices = slicesOf(tensors.slice(whole ?? 0));
  await writePart(path, { layout, resumed: whole !== undefined }, async (part) => {
    await convertSlices(slices, {
      ...machinery(work),
      onSlice: async (slice, bytes) => {
        const { name } = slice.tensor;
        await part.write((offsets.get(name) ?? 0) + targetOffset(slice), bytes);
        report({ tensor: name, file: path, bytes: bytes.byteLength });
      },
    });
  });
}

async function check(work: Work): Promise<void> {
  const report = reporter('check', work);
  for (const file of work.files) {
    await checkFile(file, {
      ...machinery(work),
      onSlice: (tensor, bytes) => report({ tensor, file: file.path, bytes }),
    });
  }
}

function machinery({ source, codec, options: { signal } }: Work) {
  return { source, codec, threads: availableParallelism(), signal };
}

type Report = (done: { tensor: string; file: string; bytes: number }) => void;

function reporter(stage: ConvertProgress['stage'], { files, options }: Work): Report {
  const totalBytes = files.flatMap(({ layout }) => layout.tensors).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const skippedBytes = stage === 'check' ? 0 : files.reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = skippedBytes;
  return ({ tensor, file, bytes }) => {
    doneBytes += bytes;
    options.onProgress?.({ stage, tensor, file, doneBytes, totalBytes, skippedBytes });
  };
}
