import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { fileSum } from '../../base/file-sum.ts';
import { bytesOnDisk, systemError, writeFully } from '../../base/files.ts';
import { inFolder } from '../../convert/out-folder.ts';
import { partOf } from '../../convert/part-file.ts';
import { type ConvertType, convertTypes } from '../../convert/types.ts';
import type { Choice } from '../../hub/choose-files.ts';
import { openPieceStream } from '../../hub/piece-stream.ts';
import type { RemoteFile, RemoteRange } from '../../hub/remote.ts';
import { resumableSha256 } from '../../native/sha256.ts';
import { type FileRecord, pairFiles } from '../../store/models.ts';
import { readModelFiles } from '../runtime/model-files.ts';
import { fits } from './best-type.ts';
import { keepingNeeds, withSpace } from './disk-space.ts';
import { installedAs, modelName } from './model-name.ts';
import type { PullOptions, PullWork } from './options.ts';
import type { InstalledPair } from './pull-checkpoint.ts';
import type { MadePair } from './stream-pair.ts';
import { type PullState, readState, stateSaver, writeState } from './state.ts';

type PairChoice = Extract<Choice, { kind: 'pair' }>;

/** Which of several ready models: of the type that was asked for, else the largest that fits. */
export function readyModel(models: readonly RemoteFile[], { type, memoryBytes, onNote }: PullOptions): RemoteFile {
  const bySize = models.toSorted((one, other) => other.byteLength - one.byteLength);
  if (type !== undefined) {
    const found = bySize.find(({ path }) => typeIn(path) === type);
    if (found) return found;
    const there = bySize.map(({ path }) => typeIn(path) ?? path).join(', ');
    throw new PixtralError(
      'usage',
      `--type ${type}: the repository holds a ready pair of other types, expected one of: ${there}`,
    );
  }
  const found =
    bySize.find(({ path, byteLength }) => !isUnquantised(path) && fits(byteLength, memoryBytes)) ?? bySize.at(-1)!;
  if (models.length > 1)
    onNote(
      `${found.path}: the largest of ${models.length} that fits into this machine's memory; --type chooses another`,
    );
  return found;
}

function isUnquantised(path: string): boolean {
  return ['f32', 'f16', 'bf16'].includes(typeIn(path) ?? '');
}

function typeIn(path: string): ConvertType | undefined {
  const lower = path.toLowerCase().replaceAll('-', '_');
  return convertTypes.toSorted((one, other) => other.length - one.length).find((type) => lower.includes(type));
}

/**
 * Fetches a pair that somebody has made ready, each file checked against its sum.
 * @throws PixtralError `model` when a sum is wrong or the two do not belong together; nothing is kept then
 */
export async function pullPair(choice: PairChoice, pull: PullWork): Promise<MadePair | InstalledPair> {
  const { remote, options, work } = pull;
  const files = [choice.model, choice.mmproj];
  const type = typeIn(choice.model.path) ?? 'gguf';
  const name = modelName(remote.name, { type, name: options.name });
  const mmprojType = typeIn(choice.mmproj.path) ?? 'gguf';
  const installed = await installedAs(name, { revision: remote.revision, type, mmprojType, options });
  if (installed) return { kind: 'installed', model: installed };
  const out = join(work, name);
  const statePath = `${out}.state.json`;
  const pieces = files.flatMap((file) => piecesOf(file, options.grain.segmentBytes));
  const bytes = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const targets = new Map([
    [choice.model.path, join(out, pairFiles.model)],
    [choice.mmproj.path, join(out, pairFiles.mmproj)],
  ]);
  for (const path of targets.values()) await rename(path, partOf(path)).catch(() => undefined); // of a run that was killed
  const identity = createHash('sha256')
    .update(JSON.stringify([remote.revision, files]))
    .digest('hex');
  const state = await soundOnDisk(await readState(statePath, identity), { pieces, targets, options });
  const resumedBytes = sizeOf(pieces.slice(0, state.next));
  const pair: FileRecord[] = [];
  try {
    const needs = async () => [
      { folder: out, bytes: bytes - (await bytesOnDisk([...targets.values()].map(partOf))), what: 'the pair' },
      ...(await keepingNeeds(pull)),
    ];
    await inFolder(out, () =>
      withSpace(needs, () => fetchAll({ pull, files, pieces, state, statePath, targets, bytes })),
    );
    for (const [name, path] of targets) {
      await rename(partOf(path), path);
      pair.push(await readBack(path, { expected: state.sums[name], signal: options.signal }));
    }
    await readModelFiles({ model: join(out, pairFiles.model), mmproj: join(out, pairFiles.mmproj) });
  } catch (thrown) {
    if (thrown instanceof PixtralError && thrown.code === 'model') await rm(out, { recursive: true, force: true });
    if (thrown instanceof PixtralError && thrown.code === 'model') await rm(statePath, { force: true });
    throw thrown;
  }
  return {
    kind: 'made',
    name: basename(out),
    folder: out,
    spent: [statePath],
    type,
    mmprojType,
    pair,
    bytes,
    resumedBytes,
    original: files.map(({ path, byteLength, sha256 }) => ({
      name: path,
      bytes: byteLength,
      sha256: state.sums[path] ?? sha256,
    })),
    notes: [],
  };
}

/** @throws PixtralError `machine` when the disk gives back something else than what came */
async function readBack(
  path: string,
  { expected, signal }: { expected: string | undefined; signal: AbortSignal },
): Promise<FileRecord> {
  const sha256 = await fileSum(path, signal);
  if (sha256 !== expected) {
    throw new PixtralError('machine', `${path}: is not what was written there`, {
      hint: 'run the same command again; if it happens again, suspect the disk or the memory',
    });
  }
  return { name: basename(path), bytes: (await stat(path)).size, sha256 };
}

/** As much of a state as the files still bear out: what stands there is hashed as it was when it came. */
async function soundOnDisk(
  state: PullState,
  { pieces, targets, options: { signal, onNote } }: Pick<Fetching, 'pieces' | 'targets'> & { options: PullOptions },
): Promise<PullState> {
  for (const [path, target] of targets) {
    const from = pieces.findIndex((piece) => piece.path === path);
    const done = pieces.slice(0, state.next).filter((piece) => piece.path === path);
    if (done.length === 0) continue;
    const part = partOf(target);
    const isWhole = state.next >= pieces.length || pieces[state.next]!.path !== path;
    const expected = isWhole ? state.sums[path] : (await resumableSha256(state.hashState))?.digest();
    if ((await sumOnDisk(part, { byteLength: sizeOf(done), signal })) === expected) continue;
    onNote(`${part}: is not what an earlier run wrote there: fetched again`);
    return { ...state, next: from, hashState: undefined };
  }
  return state;
}

/** Of the start of a file; of one that is not there, or too short, none that is expected. */
async function sumOnDisk(
  path: string,
  { byteLength, signal }: { byteLength: number; signal: AbortSignal },
): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const bytes of createReadStream(path, { end: byteLength - 1, highWaterMark: 1 << 20, signal })) {
      hash.update(bytes as Buffer);
    }
  } catch {
    signal.throwIfAborted();
  }
  return hash.digest('hex');
}

function piecesOf({ path, byteLength }: RemoteFile, pieceBytes: number): RemoteRange[] {
  return Array.from({ length: Math.ceil(byteLength / pieceBytes) }, (_, index) => ({
    path,
    start: index * pieceBytes,
    end: Math.min(byteLength, (index + 1) * pieceBytes),
  }));
}

function sizeOf(pieces: readonly RemoteRange[]): number {
  return pieces.reduce((sum, { start, end }) => sum + end - start, 0);
}

interface Fetching {
  pull: PullWork;
  files: readonly RemoteFile[];
  pieces: readonly RemoteRange[];
  state: Awaited<ReturnType<typeof readState>>;
  statePath: string;
  /** Paths on disk by path. */
  targets: ReadonlyMap<string, string>;
  bytes: number;
}

const { O_RDWR, O_CREAT } = constants;

async function fetchAll(fetching: Fetching): Promise<void> {
  const { targets, state } = fetching;
  const handles = new Map<string, FileHandle>();
  try {
    for (const [path, target] of targets) {
      const part = partOf(target);
      const handle = await open(part, state.next > 0 ? O_RDWR | O_CREAT : 'w').catch((cause: unknown) => {
        throw systemError(part, 'cannot write', cause);
      });
      handles.set(path, handle);
    }
    await fetchInto(handles, fetching);
  } finally {
    for (const handle of handles.values()) await handle.close();
  }
}

async function fetchInto(handles: ReadonlyMap<string, FileHandle>, fetching: Fetching): Promise<void> {
  const { pull, files, pieces, state, statePath, targets, bytes } = fetching;
  const { options, remote } = pull;
  const stream = openPieceStream(pieces, {
    remote,
    files,
    from: state.next,
    hashState: state.hashState,
    connections: options.connections,
    windowBytes: options.grain.windowBytes,
    signal: options.signal,
    onPiece: ({ path, start }, bytes) =>
      writeFully(handles.get(path)!, { path: targets.get(path)!, position: start, bytes }),
  });
  const sync = async (): Promise<void> => {
    for (const handle of handles.values()) await handle.datasync();
  };
  const saver = stateSaver({
    saveBytes: options.grain.saveBytes,
    save: async (next) => {
      const hashState = await stream.hashed(next - 1);
      await sync();
      await writeState(statePath, {
        ...state,
        next,
        hashState,
        sums: { ...state.sums, ...Object.fromEntries(stream.sums) },
      });
    },
  });
  const skippedBytes = sizeOf(pieces.slice(0, state.next));
  let doneBytes = skippedBytes;
  try {
    for (let index = state.next; index < pieces.length; index++) {
      await stream.hashed(index);
      stream.release(index);
      doneBytes += sizeOf([pieces[index]!]);
      options.onProgress({ stage: 'pull', tensor: pieces[index]!.path, doneBytes, totalBytes: bytes, skippedBytes });
      await saver.done(index, sizeOf([pieces[index]!]));
    }
    await saver.settle();
    await sync();
    Object.assign(state.sums, Object.fromEntries(stream.sums));
  } finally {
    stream.close();
    await saver.settle().catch(() => undefined);
  }
}
