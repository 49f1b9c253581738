import { constants, copyFile, link, mkdir, rm, symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../../base/errors.ts';
import { systemError } from '../../base/files.ts';

export interface DeliverFlags {
  moveTo?: string;
  copyTo?: string;
  linkTo?: string;
}

/** Brings a matching picture where the flags say. @throws PixtralError `machine` when it is there already */
export type Deliver = (path: string) => Promise<void>;

const ways = { moveTo: move, copyTo: copy, linkTo: (from: string, to: string) => symlink(resolve(from), to) } as const;

export function delivers(flags: DeliverFlags): boolean {
  return Object.keys(ways).some((name) => flags[name as keyof typeof ways] !== undefined);
}

/** @returns undefined when nothing is to be brought anywhere */
export async function deliverer(flags: DeliverFlags): Promise<Deliver | undefined> {
  const given = (Object.keys(ways) as (keyof typeof ways)[]).filter((name) => flags[name] !== undefined);
  const [way, other] = given;
  if (other !== undefined) {
    throw new PixtralError('usage', '--move-to, --copy-to and --link-to: expected one of them');
  }
  if (way === undefined) return undefined;
  const folder = flags[way]!;
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw systemError(folder, 'cannot be made', cause);
  });
  return async (path) => {
    const target = join(folder, basename(path));
    try {
      await ways[way](path, target);
    } catch (cause) {
      const finding = errnoOf(cause) === 'EEXIST' ? 'is there already' : reasonOf(cause);
      throw new PixtralError('machine', `${target}: ${finding}; ${path} stays where it is`, { cause });
    }
  };
}

async function copy(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL);
}

/** A second name and then the first one away: unlike a rename, this overwrites nothing. */
async function move(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST') throw thrown;
    await copy(from, to); // another disk, or one that knows no second names
  }
  await rm(from);
}
