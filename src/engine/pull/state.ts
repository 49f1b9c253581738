import { readFile, rename, writeFile } from 'node:fs/promises';
import { systemError } from '../../base/files.ts';
import { resumableSha256 } from '../../native/sha256.ts';

/** Where a pull can be gone on with: everything before `next` is written and hashed. */
export interface PullPoint {
  /** The first piece that is not done. */
  next: number;
  /** State of the sum of that piece's file; undefined where it begins. */
  hashState: string | undefined;
  /** sha256 of the samples before it, where any are taken. */
  sampled?: string | undefined;
}

/** What a later run needs to go on. */
export interface PullState extends PullPoint {
  /** sha256 of all that the result depends on: another pull's state is of no use. */
  identity: string;
  /** sha256 of files that are done, by path. */
  sums: Record<string, string>;
  /** Sums of what stands on the disk, by what it is. */
  written: Record<string, string>;
  /** In their order, for when what was written later is damaged. */
  earlier: PullPoint[];
}

/** Where a pull begins. */
export const beginning: PullPoint = { next: 0, hashState: undefined };

export function freshState(identity: string): PullState {
  return { identity, ...beginning, sums: {}, written: {}, earlier: [] };
}

/** What an earlier run of the same pull left; a state that is not sound counts as none. */
export async function readState(path: string, identity: string): Promise<PullState> {
  const fresh = freshState(identity);
  try {
    const found = JSON.parse(await readFile(path, 'utf8')) as Partial<PullState>;
    if (found.identity !== identity || !Number.isSafeInteger(found.next)) return fresh;
    if (found.hashState !== undefined && !(await resumableSha256(found.hashState))) return fresh;
    return { ...fresh, ...found };
  } catch {
    return fresh;
  }
}

/** There whole or not at all. */
export async function writeState(path: string, state: PullState): Promise<void> {
  try {
    await writeFile(`${path}.part`, JSON.stringify(state), { flush: true });
    await rename(`${path}.part`, path);
  } catch (cause) {
    throw systemError(path, 'cannot write', cause);
  }
}

/** Saves every `saveBytes` beside the work; twice that much is never unsaved. */
export function stateSaver({ saveBytes, save }: { saveBytes: number; save: (next: number) => Promise<void> }) {
  let unsaved = 0;
  let saving: Promise<void> | undefined;
  let failure: unknown;
  return {
    async done(index: number, byteLength: number): Promise<void> {
      unsaved += byteLength;
      if (unsaved < saveBytes) return;
      await saving;
      if (failure !== undefined) throw failure;
      unsaved = 0;
      saving = save(index + 1)
        .catch((cause: unknown) => (failure ??= cause))
        .then(() => (saving = undefined));
    },
    /** Of what is in work. */
    async settle(): Promise<void> {
      await saving;
      if (failure !== undefined) throw failure;
    },
  };
}
