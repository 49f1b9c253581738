import { PixtralError, errnoOf } from '../../base/errors.ts';
import { isFull, systemError } from '../../base/files.ts';
import { type SpaceNeed, requireSpace } from '../../convert/out-folder.ts';
import type { PullWork } from './options.ts';

const remedy = 'let PIXTRAL_MODELS name a folder on another disk';

/**
 * Looks at the disk before anything is written, and again when it is full after all: then how much is missing is said.
 * @param needs what is still to be written
 * @throws PixtralError `machine` for too little space
 */
export async function withSpace<T>(needs: () => Promise<SpaceNeed[]>, use: () => Promise<T>): Promise<T> {
  await requireSpace(await needs(), remedy);
  try {
    return await use();
  } catch (thrown) {
    if (isFull(thrown)) await requireSpace(await needs(), `${remedy}; the same command goes on from here`);
    throw thrown;
  }
}

/** What keeping the original needs beside the pair. */
export async function keepingNeeds({ remote }: Pick<PullWork, 'remote'>): Promise<SpaceNeed[]> {
  const missing = await remote.missing?.();
  return missing ? [{ ...missing, what: 'the original' }] : [];
}

/** A disk that is full or read-only as one who pulls can act on it, wherever it was met; whatever else is thrown stays as it is. */
export async function saysFull<T>(store: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (thrown) {
    if (thrown instanceof PixtralError && errnoOf(thrown.cause) === 'EROFS') {
      throw new PixtralError(thrown.code, thrown.message, { hint: remedy, cause: thrown.cause });
    }
    if (!isFull(thrown)) throw thrown;
    const { code, message, cause } =
      thrown instanceof PixtralError ? thrown : systemError(store, 'cannot write', thrown);
    throw new PixtralError(code, message, {
      hint: `free some space, or ${remedy}; the same command goes on from here`,
      cause,
    });
  }
}
