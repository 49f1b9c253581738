import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { PixtralError } from '../../base/errors.ts';
import { bytesOnDisk, isThere } from '../../base/files.ts';
import { targetByteLength } from '../../convert/slices.ts';
import { convertStream } from '../../convert/convert-stream.ts';
import { inFolder, requireSpace } from '../../convert/out-folder.ts';
import { pairId, pairIdRanges } from '../../convert/pair-id.ts';
import { partOf } from '../../convert/part-file.ts';
import { type PlannedFile, type PlannedPair } from '../../convert/plan-pair.ts';
import { type Segment } from '../../convert/segments.ts';
import { type ConvertType, defaultMmprojType } from '../../convert/types.ts';
import { type StreamSums, readBackStreamed } from '../../convert/stream-sums.ts';
import type { Choice } from '../../hub/choose-files.ts';
import { type CacheWriter, cacheWriter } from '../../hub/hub-cache.ts';
import { type PieceStream, openPieceStream } from '../../hub/piece-stream.ts';
import type { Native } from '../../native/native.ts';
import { openNative } from '../../native/open-native.ts';
import type { FileRecord } from '../../store/models.ts';
import type { Checkpoint } from '../../weights/types.ts';
import { keepingNeeds, withSpace } from './disk-space.ts';
import type { PullWork } from './options.ts';
import { type Samples, openSamples } from './samples.ts';
import { endsOf, soundState } from './sound-state.ts';
import { type PullPoint, type PullState, beginning, readState, stateSaver, writeState } from './state.ts';

/** A pair that is whole, in a folder of its own. */
export interface MadePair {
  kind: 'made';
  name: string;
  folder: string;
  /** Files that are of no use once it is installed; until then a later run goes on from them. */
  spent: string[];
  type: string;
  mmprojType: string;
  bytes: number;
  resumedBytes: number;
  original: FileRecord[];
  /** Its own files. */
  pair: FileRecord[];
  notes: string[];
}

export type CheckpointChoice = Extract<Choice, { kind: 'checkpoint' }>;

/** Stands in the headers until all weights have been seen; as long as a real one. */
export const unknownPairId = '0'.repeat(32);

/** Bytes that the plan was made by, besides the headers: scales of 8-bit weights. */
export interface EarlyRange {
  path: string;
  start: number;
  bytes: Uint8Array;
}

/** What a checkpoint becomes, but for what only its weights tell. */
export interface Streaming {
  choice: CheckpointChoice;
  /** Of the small files. */
  folder: string;
  /** By path. */
  headers: ReadonlyMap<string, Buffer>;
  early: readonly EarlyRange[];
  checkpoint: Checkpoint;
  type: ConvertType;
  /** Folder of the pair. */
  out: string;
  segments: readonly Segment[];
  /** With that id of the pair. */
  layOut: (id: string) => Promise<PlannedPair>;
}

/** The weights of a pull that has not begun are asked for first: planning takes a while, and the line need not wait. */
export async function streamPair(pull: PullWork, streaming: Streaming): Promise<MadePair> {
  const { out } = streaming;
  const paths = { state: `${out}.state.json`, samples: `${out}.samples` };
  const sinks = deferred<Sinks>();
  const open = (point: Pick<PullPoint, 'next' | 'hashState'>): PieceStream =>
    openWeights(pull, { streaming, point, sinks: sinks.promise });
  const begun = (await canBegin(pull, { streaming, paths })) ? open(beginning) : undefined;
  try {
    return await writePair(pull, { streaming, paths, sinks, open: (point) => begun ?? open(point) });
  } finally {
    begun?.close();
  }
}

/** Whether weights may be asked for before the files are laid out: as far as is known by then, they have room. */
async function canBegin(
  { options, remote }: PullWork,
  { streaming: { out, segments }, paths }: Pick<Writing, 'streaming' | 'paths'>,
): Promise<boolean> {
  if (options.keep || remote.missing || (await isThere(paths.state))) return false;
  const bytes = segments.flatMap(({ slices }) => slices).reduce((sum, slice) => sum + targetByteLength(slice), 0);
  return requireSpace([{ folder: out, bytes, what: 'the pair' }], '').then(
    () => true,
    () => false, // said a moment later, by who knows exactly
  );
}

interface Writing {
  streaming: Streaming;
  paths: { state: string; samples: string };
  sinks: Deferred<Sinks>;
  /** The weights from there on. */
  open: (point: PullPoint) => PieceStream;
}

async function writePair(pull: PullWork, { streaming, paths, sinks, open }: Writing): Promise<MadePair> {
  const { options, work } = pull;
  const { choice, type, checkpoint, segments, out } = streaming;
  const planned = await streaming.layOut(unknownPairId);
  await mkdir(work, { recursive: true });
  await takeBackNames(planned.files);
  const identity = identityOf(pull, { planned, streaming });
  const samples = await openSamples(paths.samples, pairIdRanges(checkpoint));
  const { state, written } = await soundState(await readState(paths.state, identity), {
    files: planned.files,
    segments,
    samples,
    options,
  });
  const opening = openNative({ gpu: 'off', onLog: () => {} });
  opening.catch(() => undefined); // it is awaited after the disk has been looked at
  const kept =
    options.keep &&
    cacheWriter(options.keep.cache, { remote: pull.remote, files: [...choice.small, ...choice.weights] });
  let sha256: string[] = [];
  try {
    const needs = async () => [
      { folder: out, bytes: planned.byteLength - (await partBytes(planned)), what: 'the pair' },
      ...(kept ? [{ folder: options.keep!.cache, bytes: await kept.missingBytes(), what: 'the original' }] : []),
      ...(await keepingNeeds(pull)),
    ];
    const convert = async (): Promise<void> => {
      const native = await opening;
      sinks.resolve({ samples, kept });
      const stream = open(state);
      const flow = { pull, streaming, planned, stream, samples, state, written, statePath: paths.state, kept, native };
      const files = await runStream(flow);
      sha256 = await readBackStreamed(files, { known: written.known(), signal: options.signal });
      await kept?.finish(options.keep!.revisionName);
    };
    await inFolder(out, () => withSpace(needs, convert));
  } catch (thrown) {
    if (thrown instanceof PixtralError && thrown.code === 'model') await removeAll([out, paths.state, paths.samples]);
    throw thrown;
  } finally {
    await samples.close();
    await kept?.close();
    await opening.then((native) => native.close()).catch(() => undefined);
  }
  const sums = new Map(Object.entries(state.sums));
  return {
    kind: 'made',
    name: basename(out),
    folder: out,
    spent: [paths.state, paths.samples],
    type,
    mmprojType: options.mmprojType ?? defaultMmprojType(type),
    pair: planned.files.map(({ path, layout }, index) => ({
      name: basename(path),
      bytes: layout.byteLength,
      sha256: sha256[index],
    })),
    bytes: planned.byteLength,
    resumedBytes: bytesOf(segments.slice(0, state.next)),
    original: [...choice.weights, ...choice.small].map(({ path, byteLength, sha256 }) => ({
      name: path,
      bytes: byteLength,
      sha256: sums.get(path) ?? sha256,
    })),
    notes: planned.notes,
  };
}

/** Of what is written: a state with others is of no use. */
const sumsKind = 'xxh128';

/** All that the result depends on. */
function identityOf(
  { remote, options }: PullWork,
  { planned, streaming: { choice, headers, early } }: { planned: PlannedPair; streaming: Streaming },
): string {
  // Without the sums: those that another place publishes may be known in one run and not in the next.
  const weights = choice.weights.map(({ path, byteLength }) => ({ path, byteLength }));
  const hash = createHash('sha256').update(JSON.stringify([sumsKind, remote.revision, weights, options.keep]));
  for (const { layout } of planned.files) hash.update(layout.header);
  for (const header of headers.values()) hash.update(header);
  for (const { bytes } of early) hash.update(bytes);
  return hash.digest('hex');
}

/** A run that was killed before it could install the pair left files with their names: they are parts still. */
async function takeBackNames(files: readonly PlannedFile[]): Promise<void> {
  for (const { path } of files) await rename(path, partOf(path)).catch(() => undefined); // most have none yet
}

/** On the disk. */
function partBytes({ files }: PlannedPair): Promise<number> {
  return bytesOnDisk(files.map(({ path }) => partOf(path)));
}

async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { recursive: true, force: true });
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Where weights pass by on their way to the converter. */
interface Sinks {
  samples: Samples;
  kept: CacheWriter | undefined;
}

interface Opening {
  streaming: Streaming;
  point: Pick<PullPoint, 'next' | 'hashState'>;
  /** What comes before they are there waits. */
  sinks: Promise<Sinks>;
}

function openWeights({ remote, options }: PullWork, { streaming, point, sinks }: Opening): PieceStream {
  const { choice, folder, headers, early, segments } = streaming;
  const pieces = segments.map(({ path, start, end }) => ({ path: basename(path), start, end }));
  return openPieceStream(pieces, {
    remote,
    files: choice.weights,
    from: point.next,
    hashState: point.hashState,
    connections: options.connections,
    windowBytes: options.grain.windowBytes,
    signal: options.signal,
    onPiece: async ({ path, start, end }, bytes) => {
      const known = [{ path, start: 0, bytes: headers.get(path)! }, ...early];
      requireSame(bytes, { path, start, known, where: `${remote.label}/${path}` });
      const { samples, kept } = await sinks;
      samples.take({ path: join(folder, path), start, bytes });
      await kept?.write({ path, start, end }, bytes);
    },
  });
}

interface Flow {
  pull: PullWork;
  streaming: Streaming;
  planned: PlannedPair;
  stream: PieceStream;
  samples: Samples;
  state: PullState;
  /** Of what stands in the parts. */
  written: StreamSums;
  statePath: string;
  kept: CacheWriter | undefined;
  native: Native;
}

/** @returns the files as they are in the end */
async function runStream(flow: Flow): Promise<PlannedFile[]> {
  const { pull, streaming, planned, stream, samples, state, written, native } = flow;
  const { segments } = streaming;
  const { options } = pull;
  const saver = savingState(flow);
  const report = progressReport(flow);
  let final: PlannedFile[] = [];
  try {
    await convertStream({
      files: planned.files,
      segments,
      from: state.next,
      source: stream,
      codec: native.ggml,
      sums: written,
      signal: options.signal,
      onSlice: report.slice,
      onWritten: async (index, sync) => {
        await saver.written(index, sync);
        report.segment(index);
      },
      finalHeaders: async () => {
        await stream.hashed(segments.length - 1); // the sums of all files are right
        await saver.settle();
        Object.assign(state.sums, Object.fromEntries(stream.sums));
        await keepSmall(flow);
        const id = await pairId(streaming.checkpoint, { readRange: (path, range) => samples.read(path, range) });
        final = (await streaming.layOut(id)).files;
        return final.map(({ layout }) => layout.header);
      },
    });
  } finally {
    stream.close();
    await saver.settle().catch(() => undefined); // it writes into the files that may be removed now
  }
  return final;
}

/** The plan was made by bytes that were fetched before: both must be the same. */
function requireSame(
  bytes: Uint8Array,
  { path, start, known, where }: { path: string; start: number; known: readonly EarlyRange[]; where: string },
): void {
  for (const range of known) {
    const from = Math.max(start, range.start);
    const to = Math.min(start + bytes.byteLength, range.start + range.bytes.byteLength);
    if (range.path !== path || from >= to) continue;
    const expected = range.bytes.subarray(from - range.start, to - range.start);
    if (Buffer.compare(expected, bytes.subarray(from - start, to - start)) === 0) continue;
    throw new PixtralError('model', `${where}: byte ${from} and what follows are other ones than a moment ago`, {
      hint: 'nothing of it is kept; run the same command again, over another network if this happens twice',
    });
  }
}

function savingState({ pull, streaming, stream, samples, state, written, statePath, kept }: Flow) {
  const { segments } = streaming;
  let sync: () => Promise<void> = async () => {};
  const { next, hashState, sampled } = state;
  const earlier = next === 0 ? [] : [...state.earlier, { next, hashState, sampled }];
  const saver = stateSaver({
    saveBytes: pull.options.grain.saveBytes,
    save: async (next) => {
      const sums = written.known(); // before anything else is written
      const hashState = await stream.hashed(next - 1);
      await sync();
      await kept?.sync();
      await samples.save();
      const point = { next, hashState, sampled: samples.sum(endsOf(segments.slice(0, next))) };
      await writeState(statePath, {
        ...state,
        ...point,
        sums: { ...state.sums, ...Object.fromEntries(stream.sums) },
        written: sums,
        earlier,
      });
      earlier.push(point);
    },
  });
  return {
    written: async (index: number, syncParts: () => Promise<void>): Promise<void> => {
      sync = syncParts;
      await saver.done(index, bytesOf([segments[index]!]));
    },
    settle: () => saver.settle(),
  };
}

function progressReport({ pull: { options }, streaming: { segments }, state }: Flow) {
  const totalBytes = bytesOf(segments);
  const skippedBytes = bytesOf(segments.slice(0, state.next));
  let doneBytes = skippedBytes;
  let tensor = '';
  return {
    slice: (name: string): void => void (tensor = name),
    segment: (index: number): void => {
      doneBytes += bytesOf([segments[index]!]);
      options.onProgress({ stage: 'pull', tensor, doneBytes, totalBytes, skippedBytes });
    },
  };
}

async function keepSmall({ kept, streaming: { choice, folder } }: Flow): Promise<void> {
  if (!kept) return;
  for (const { path, byteLength } of choice.small) {
    await kept.write({ path, start: 0, end: byteLength }, await readFile(join(folder, path)));
  }
}
