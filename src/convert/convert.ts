import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { PixtralError } from '../base/errors.ts';
import { systemError } from '../base/files.ts';
import { checkFile } from './check-file.ts';
import { inFolder, requireSpace } from './out-folder.ts';
import { partOf, publish, removeParts } from './part-file.ts';
import { convertSlices } from './pipeline.ts';
import { type PlannedFile, type PlannedPair, type PlanningOptions, planPair } from './plan-pair.ts';
import type { RowCodec } from './rows.ts';
import { slicesOf, targetOffset } from './slices.ts';
import { type SourceFiles, sourceFiles } from './source-files.ts';
import type { SourceTensor } from '../weights/types.ts';
import { type Leftover, isFinished, leftover, writeSummedPart } from './summed-part.ts';

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
 * `.part` and get their names together at the end, once they were read back and found to be what was written. Faults
 * of the checkpoint leave nothing; a kill, a fired signal or a full disk leaves parts that the next run of the same
 * conversion goes on with, as far as they are what was written.
 * @throws PixtralError as `planPair`, `machine` for a full disk and the like, and for a folder that another conversion
 * is writing to, `usage` when the pair is there already
 */
export async function convert(folder: string, options: PlanningOptions & RunOptions): Promise<Converted> {
  const source = sourceFiles();
  try {
    const pair = await planPair(folder, { source, options });
    const codec = await options.codec;
    return await inFolder(options.out, () => convertPair(pair, { source, codec, options }));
  } finally {
    await source.close();
  }
}

async function convertPair(
  { files, byteLength, notes }: PlannedPair,
  tools: Pick<Work, 'source' | 'codec'> & { options: PlanningOptions & RunOptions },
): Promise<Converted> {
  const { options } = tools;
  const trace = await sourceTrace(files);
  const states: FileWithState[] = [];
  for (const file of files) states.push(await withState(file, { trace, options }));
  const work: Work = { ...tools, files: states };
  const resumedBytes = states.reduce((sum, { bytes }) => sum + bytes, 0);
  const finished = states.every((file) => file.finished);
  if (finished && !options.check) throw alreadyThere(options.out);
  if (!finished) {
    const bytes = byteLength - resumedBytes;
    await requireSpace([{ folder: options.out, bytes, what: 'the pair' }], 'write to another disk with --out');
    await write(work, trace);
  }
  if (options.check) await check(work);
  const [model = '', mmproj = ''] = files.map(({ path }) => path);
  const allNotes = [...notes, ...states.flatMap(({ path, left }) => damageNotes(path, left))];
  return { model, mmproj, bytes: byteLength, resumedBytes, checked: options.check, notes: allNotes };
}

function damageNotes(path: string, left: Leftover | undefined): string[] {
  if (left?.damaged === undefined) return [];
  return [`${partOf(path)}: ${left.damaged} was not what an earlier run wrote there: converted again from there on`];
}

/** Size and times of the checkpoint's shards: any change of a weight changes them. */
async function sourceTrace(files: readonly PlannedFile[]): Promise<string> {
  const paths = new Set(files.flatMap(({ tensors }) => tensors.flatMap(({ source }) => pathsOf(source))));
  const traces = [];
  for (const path of [...paths].sort()) {
    const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true }).catch((cause: unknown) => {
      throw systemError(path, 'cannot read', cause);
    });
    traces.push(`${size} ${mtimeNs} ${ctimeNs} ${ino}`);
  }
  return traces.join('\n');
}

function pathsOf({ path, scales, lowRank }: SourceTensor): string[] {
  return [path, ...(scales ? [scales.path] : []), ...(lowRank ? [lowRank.a.path, lowRank.b.path] : [])];
}

/** With what stands on disk of it. */
interface FileWithState extends PlannedFile {
  /** Names all that its bytes depend on. */
  conversion: string;
  /** It has its name already: a run was killed between the two renames, or is over. */
  finished: boolean;
  /** Of a part that is gone on with; undefined: start over. */
  left: Leftover | undefined;
  /** Of the tensors that need not be written again. */
  bytes: number;
}

interface Work {
  files: readonly FileWithState[];
  source: SourceFiles;
  codec: RowCodec;
  options: RunOptions;
}

async function withState(
  file: PlannedFile,
  { trace, options: { force, check: checks } }: { trace: string; options: RunOptions },
): Promise<FileWithState> {
  const { path, layout } = file;
  const conversion = createHash('sha256').update(layout.header).update(trace).digest('hex');
  const bytesOf = (count: number): number =>
    layout.tensors.slice(0, count).reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (!force && (await exists(path))) {
    if (!checks && !(await isFinished(path, layout))) throw alreadyThere(path);
    return { ...file, conversion, finished: true, left: undefined, bytes: bytesOf(layout.tensors.length) };
  }
  const left = await leftover(path, { layout, conversion });
  return { ...file, conversion, finished: false, left, bytes: bytesOf(left?.sums.length ?? 0) };
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

async function write(work: Work, trace: string): Promise<void> {
  const report = reporter('write', work);
  const open = work.files.filter(({ finished }) => !finished);
  const paths = open.map(({ path }) => path);
  try {
    for (const file of open) await writeFile(file, { work, report });
    await refuseChanged(work.files, trace);
    await publish(paths);
  } catch (thrown) {
    if (!canGoOn(thrown, work.options.signal)) await removeParts(paths);
    throw thrown;
  }
}

/** What is written is right, and nothing in the checkpoint stands against the rest. */
function canGoOn(thrown: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true || (thrown instanceof PixtralError && thrown.code === 'machine');
}

async function refuseChanged(files: readonly PlannedFile[], trace: string): Promise<void> {
  if ((await sourceTrace(files)) === trace) return;
  const [shard = ''] = files.flatMap(({ tensors }) => tensors.map(({ source }) => source.path));
  throw new PixtralError('model', `${shard}: the weights have changed while they were converted`, {
    hint: 'convert again when nothing writes to them any more',
  });
}

async function writeFile(
  { path, tensors, layout, conversion, left }: FileWithState,
  { work, report }: { work: Work; report: Report },
): Promise<void> {
  const offsets = new Map(layout.tensors.map(({ name, offset }) => [name, offset]));
  const slices = slicesOf(tensors.slice(left?.sums.length ?? 0));
  await writeSummedPart(path, { layout, conversion, resumed: left?.sums }, async (part) => {
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
