import { constants } from 'node:fs';
import { type FileHandle, lstat, open, stat } from 'node:fs/promises';
import { PixtralError } from '../base/errors.ts';
import { readExactly, systemError } from '../base/files.ts';
import type { GgufLayout } from '../gguf/write.ts';
import { type PartFile, partOf, writePart } from './part-file.ts';
import { newSum, openSums, readSums, sumInFile, sumsPathOf } from './part-sums.ts';

/** What an earlier run left of a file that can be gone on with. */
export interface Leftover {
  /** Of the whole tensors at its start, in order. */
  sums: readonly string[];
  /** The first tensor whose bytes are not those that were written, if there is one. */
  damaged: string | undefined;
}

/**
 * The tensors at the start of a part that are whole, of this very conversion, and as they were written: each is read
 * and compared with its sum. What has no sum is not believed.
 * @param conversion all that the bytes depend on
 * @returns undefined when there is no such part, or it is another's
 * @throws PixtralError `machine` when something else stands in its place
 */
export async function leftover(
  path: string,
  { layout: { header, tensors }, conversion }: { layout: GgufLayout; conversion: string },
): Promise<Leftover | undefined> {
  for (const name of [partOf(path), sumsPathOf(path)]) await refuseStranger(name);
  const known = await readSums(path, conversion);
  const file = known.length === 0 ? undefined : await openRegular(partOf(path));
  if (file === undefined) return undefined;
  try {
    if (!(await startsWith(file, header))) return undefined;
    const sums: string[] = [];
    for (const [index, tensor] of tensors.slice(0, known.length).entries()) {
      const sum = await sumInFile(file, { path, tensor }).catch(() => 'none: it ends inside');
      if (sum !== known[index]) return { sums, damaged: tensor.name };
      sums.push(sum);
    }
    return { sums, damaged: undefined };
  } finally {
    await file.close();
  }
}

/** Another's link would have us write into another's file, a pipe would hold us for ever. */
async function refuseStranger(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || (found.isFile() && found.nlink === 1)) return;
  const kinds = [
    [found.isDirectory(), 'a folder'],
    [found.isSymbolicLink() || found.isFile(), 'a link'],
  ] as const;
  const kind = kinds.find(([holds]) => holds)?.[1] ?? 'no file';
  throw new PixtralError('machine', `${path}: is ${kind}, expected what an earlier conversion left, or nothing`, {
    hint: 'remove it, or write elsewhere with --out',
  });
}

const { O_RDONLY, O_NOFOLLOW } = constants;

/** Undefined when it cannot be opened: whoever opens it to write says why. */
function openRegular(path: string): Promise<FileHandle | undefined> {
  return open(path, O_RDONLY | (O_NOFOLLOW ?? 0)).catch(() => undefined);
}

async function startsWith(file: FileHandle, header: Uint8Array): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(header.byteLength), 0, header.byteLength, 0);
  return bytesRead === header.byteLength && buffer.equals(header);
}

/** Whether a finished file is this very conversion's, as far as header and length tell. */
export async function isFinished(path: string, { header, byteLength }: GgufLayout): Promise<boolean> {
  const status = await stat(path).catch(() => undefined);
  if (!status?.isFile() || status.size !== byteLength) return false;
  const file = await open(path).catch(() => undefined);
  try {
    return file !== undefined && (await startsWith(file, header));
  } finally {
    await file?.close();
  }
}

export interface SummedPartOptions {
  layout: GgufLayout;
  conversion: string;
  /** Sums of the tensors that need not be written again; undefined: start over. */
  resumed: readonly string[] | undefined;
}

/**
 * A part whose tensors are written in order, each with its sum beside it, and which is read back at the end and
 * compared with them.
 * @throws PixtralError `machine` for a full disk and the like, or a disk that gives back something else
 */
export async function writeSummedPart(
  path: string,
  { layout, conversion, resumed }: SummedPartOptions,
  use: (part: Pick<PartFile, 'write'>) => Promise<void>,
): Promise<void> {
  const known = [...(resumed ?? [])];
  const sums = await openSums(path, { conversion, known });
  try {
    await writePart(path, { layout, resumed: resumed !== undefined }, async (part) => {
      let hash = newSum();
      const write: PartFile['write'] = async (position, bytes) => {
        await part.write(position, bytes);
        hash.update(bytes);
        const { offset, byteLength } = layout.tensors[known.length]!;
        if (position + bytes.byteLength < offset + byteLength) return;
        const sum = hash.digest('hex');
        hash = newSum();
        known.push(sum);
        await sums.add(sum);
      };
      await use({ write });
    });
    await readBack(partOf(path), { layout, sums: known });
  } finally {
    await sums.close();
  }
}

async function readBack(
  path: string,
  { layout, sums }: { layout: GgufLayout; sums: readonly string[] },
): Promise<void> {
  const file = await open(path, O_RDONLY | (O_NOFOLLOW ?? 0)).catch((cause: unknown) => {
    throw systemError(path, 'cannot read', cause);
  });
  try {
    await compareWithSums(file, { path, layout, sums });
  } finally {
    await file.close();
  }
}

async function compareWithSums(
  file: FileHandle,
  { path, layout, sums }: { path: string; layout: GgufLayout; sums: readonly string[] },
): Promise<void> {
  const differs = (what: string): PixtralError =>
    new PixtralError('machine', `${path}: ${what} is not what was written there`, {
      hint: 'convert again; if it happens again, suspect the disk or the memory',
    });
  const header = await readExactly(file, { path, position: 0, length: layout.header.byteLength });
  if (Buffer.compare(header, layout.header) !== 0) throw differs('the header');
  for (const [index, tensor] of layout.tensors.entries()) {
    const sum = await sumInFile(file, { path, tensor });
    if (sum !== sums[index]) throw differs(`tensor ${tensor.name}`);
  }
}
