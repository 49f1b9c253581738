import { deferred } from '../base/deferred.ts';
import { PixtralError } from '../base/errors.ts';
import { type ResumableSha256, resumableSha256 } from '../native/sha256.ts';
import type { Remote, RemoteFile, RemoteRange } from './remote.ts';

export interface PieceStreamOptions {
  remote: Pick<Remote, 'read' | 'label'>;
  files: readonly RemoteFile[];
  /** Of these pieces, the first to be fetched; `hashState` is that of its file before it. */
  from: number;
  hashState: string | undefined;
  /** Pieces fetched at the same time. */
  connections: number;
  /** Of pieces that wait for their turn or are in work. */
  windowBytes: number;
  signal: AbortSignal;
  /** Called with each piece, in any order, before `get` resolves: a copy on disk, progress. */
  onPiece: (piece: RemoteRange, bytes: Uint8Array) => Promise<void>;
}

/**
 * Pieces that cover files from start to end, fetched several at once, hashed in file order. A file's last piece counts
 * as hashed only when the sum of the whole file is right.
 */
export interface PieceStream {
  /** Resolves when the piece is there; rejects when one cannot be had or a sum is wrong. Ask for pieces in their order. */
  get(index: number): Promise<Uint8Array>;
  /** Its memory may be used again. */
  release(index: number): void;
  /** Resolves to the state of its file's sum when all pieces up to this one are hashed. */
  hashed(index: number): Promise<string | undefined>;
  /** sha256 in hex by path, of files whose last piece is hashed. */
  sums: ReadonlyMap<string, string>;
  close(): void;
}

export function openPieceStream(pieces: readonly RemoteRange[], options: PieceStreamOptions): PieceStream {
  const { remote, from, connections, windowBytes, onPiece } = options;
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const arrivals = pieces.map(() => deferred<Uint8Array>());
  const hashes = pieces.map(() => deferred<string | undefined>());
  const sums = new Map<string, string>();
  const holds = new Map<number, number>(); // by whom a piece is held: its consumer and the sum
  const memory = pieceMemory(pieces);
  let [next, fetching, heldBytes] = [from, 0, 0];

  function fail(thrown: unknown): void {
    for (const { reject } of [...arrivals, ...hashes]) reject(thrown);
    closing.abort(thrown);
  }

  function pump(): void {
    while (next < pieces.length && fetching < connections && !signal.aborted) {
      const size = sizeOf(pieces[next]!);
      if (heldBytes > 0 && heldBytes + size > windowBytes) return;
      heldBytes += size;
      fetching++;
      holds.set(next, 2);
      void fetchPiece(next++).catch(fail);
    }
  }

  async function fetchPiece(index: number): Promise<void> {
    const piece = pieces[index]!;
    const bytes = await remote.read(piece, signal, memory.take(index));
    fetching--;
    await onPiece(piece, bytes);
    arrivals[index]!.resolve(bytes);
    pump();
  }

  function release(index: number): void {
    const left = (holds.get(index) ?? 0) - 1;
    if (left > 0) return void holds.set(index, left);
    if (!holds.delete(index)) return;
    heldBytes -= sizeOf(pieces[index]!);
    memory.giveBack(index);
    arrivals[index] = deferred(); // lets the bytes go
    pump();
  }

  async function hashAll(): Promise<void> {
    let hash: ResumableSha256 | undefined;
    for (let index = from; index < pieces.length; index++) {
      const piece = pieces[index]!;
      const bytes = await arrivals[index]!.promise;
      if (piece.start === 0 || index === from)
        hash = await startHash(piece.start === 0 ? undefined : options.hashState);
      if (bytes.byteLength > 0) await hash!.update(bytes);
      const file = options.files.find(({ path }) => path === piece.path);
      const isLast = piece.end === file?.byteLength;
      const state = isLast ? undefined : hash!.save();
      if (isLast) sums.set(piece.path, checked(hash!.digest(), file, remote.label));
      hashes[index]!.resolve(state);
      release(index);
    }
  }

  options.signal.addEventListener('abort', () => fail(options.signal.reason), { once: true, signal: closing.signal });
  if (options.signal.aborted) fail(options.signal.reason);
  pump();
  void hashAll().catch(fail);
  return {
    get: (index) => arrivals[index]!.promise,
    hashed: (index) => hashes[index]!.promise,
    release,
    sums,
    close: () => closing.abort(new Error('closed')),
  };
}

async function startHash(state: string | undefined): Promise<ResumableSha256> {
  const hash = await resumableSha256(state);
  if (hash) return hash;
  throw new Error('the state of a sum is of no use here'); // looked at before the stream is opened
}

function checked(sum: string, file: RemoteFile, label: string): string {
  if (file.sha256 === undefined || file.sha256 === sum) return sum;
  throw new PixtralError(
    'model',
    `${label}/${file.path}: sha256 is ${sum}, expected ${file.sha256}: what came is not what was published`,
    { hint: 'nothing of it is kept; run the same command again, over another network if this happens twice' },
  );
}

/**
 * Memory that one piece after the other uses: new memory for each has the engine look for garbage all the time, which
 * takes as long as all the rest. Small pieces get their own.
 */
function pieceMemory(pieces: readonly RemoteRange[]) {
  const largest = pieces.reduce((most, piece) => Math.max(most, sizeOf(piece)), 0);
  const free: Uint8Array[] = [];
  const taken = new Map<number, Uint8Array>();
  return {
    take(index: number): Uint8Array {
      const size = sizeOf(pieces[index]!);
      if (size < largest / 2) return Buffer.allocUnsafeSlow(size);
      const whole = free.pop() ?? Buffer.allocUnsafeSlow(largest);
      taken.set(index, whole);
      return whole.subarray(0, size);
    },
    giveBack(index: number): void {
      const whole = taken.get(index);
      if (taken.delete(index)) free.push(whole!);
    },
  };
}

const sizeOf = ({ start, end }: RemoteRange): number => end - start;
