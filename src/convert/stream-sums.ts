import type { Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { PixtralError } from '../base/errors.ts';
import { readExactly, systemError } from '../base/files.ts';
import { resumableSha256 } from '../native/sha256.ts';
import { partOf } from './part-file.ts';
import { hashInFile, newSum } from './part-sums.ts';
import type { PlannedTensor } from './plan.ts';
import type { PlannedFile } from './plan-pair.ts';
import type { Segment } from './segments.ts';
import { type Slice, targetByteLength } from './slices.ts';

/** SHA-256 of what stands of each tensor in parts that grow in the order of the source: of its start, while it is not whole. */
export interface StreamSums {
  /** What has just been written. */
  add(slice: Slice, bytes: Uint8Array): void;
  /** In hex, by `tensorKey`; of tensors that are begun. */
  known(): Record<string, string>;
}

/**
 * Sums of what the parts hold of tensors once `segments` are converted, as it stands on the disk. A tensor that is not
 * there in that length has none.
 */
export async function readStreamSums(
  files: readonly PlannedFile[],
  { segments, signal }: { segments: readonly Segment[]; signal: AbortSignal },
): Promise<StreamSums> {
  const lengths = lengthsIn(segments);
  const hashes = new Map<PlannedTensor, Hash>();
  const keys = new Map<PlannedTensor, string>();
  for (const planned of files) {
    const path = partOf(planned.path);
    for (const tensor of planned.tensors) keys.set(tensor, tensorKey(planned, tensor));
    const file = lengths.size === 0 ? undefined : await open(path).catch(() => undefined);
    try {
      for (const [index, tensor] of planned.tensors.entries()) {
        signal.throwIfAborted();
        const byteLength = lengths.get(tensor);
        if (file === undefined || byteLength === undefined) continue;
        const { offset } = planned.layout.tensors[index]!;
        const hash = await hashInFile(file, { path, offset, byteLength }).catch(() => undefined);
        if (hash) hashes.set(tensor, hash);
      }
    } finally {
      await file?.close();
    }
  }
  return {
    add({ tensor }, bytes) {
      const hash = hashes.get(tensor) ?? newSum();
      hashes.set(tensor, hash.update(bytes));
    },
    known: () =>
      Object.fromEntries([...hashes].map(([tensor, hash]) => [keys.get(tensor)!, hash.copy().digest('hex')])),
  };
}

/**
 * Reads finished files once, from start to end, and compares header and tensors with what was written.
 * @param known as `StreamSums` has them
 * @returns sha256 of each whole file
 * @throws PixtralError `machine` when a disk gives back something else
 */
export async function readBackStreamed(
  files: readonly PlannedFile[],
  { known, signal }: { known: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<string[]> {
  const sums: string[] = [];
  for (const planned of files) {
    const { path } = planned;
    const file = await open(path).catch((cause: unknown) => {
      throw systemError(path, 'cannot read', cause);
    });
    try {
      sums.push(await readBackFile(file, { planned, known, signal }));
    } finally {
      await file.close();
    }
  }
  return sums;
}

const chunkBytes = 4 * 1024 * 1024;

async function readBackFile(
  file: FileHandle,
  { planned, known, signal }: { planned: PlannedFile; known: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<string> {
  const { path, layout, tensors } = planned;
  const whole = (await resumableSha256())!;
  const chunk = new Uint8Array(chunkBytes);
  let at = 0;

  /** The sum of what stands up to there; the whole's goes on beside it, on a thread of its own. */
  async function pass(end: number): Promise<string> {
    const sum = newSum();
    while (at < end) {
      signal.throwIfAborted();
      const length = Math.min(chunkBytes, end - at);
      await readExactly(file, { path, position: at, length, target: chunk });
      const bytes = chunk.subarray(0, length);
      const passed = whole.update(bytes);
      sum.update(bytes);
      await passed;
      at += length;
    }
    return sum.digest('hex');
  }

  const differs = (what: string): PixtralError =>
    new PixtralError('machine', `${path}: ${what} is not what was written there`, {
      hint: 'run the same command again: it goes on from what is right; if it happens again, suspect the disk or the memory',
    });
  if ((await pass(layout.header.byteLength)) !== newSum().update(layout.header).digest('hex')) {
    throw differs('the header');
  }
  for (const [index, { offset, byteLength }] of layout.tensors.entries()) {
    await pass(offset);
    const sum = await pass(offset + byteLength);
    if (sum !== known[tensorKey(planned, tensors[index]!)]) throw differs(`tensor ${tensors[index]!.name}`);
  }
  await pass(layout.byteLength);
  return whole.digest();
}

/** Names a tensor among those of both files. */
export function tensorKey({ path }: Pick<PlannedFile, 'path'>, { name }: PlannedTensor): string {
  return `${basename(path)} ${name}`;
}

/** Bytes of each tensor, converted. */
function lengthsIn(segments: readonly Segment[]): Map<PlannedTensor, number> {
  const lengths = new Map<PlannedTensor, number>();
  for (const { slices } of segments) {
    for (const slice of slices) {
      lengths.set(slice.tensor, (lengths.get(slice.tensor) ?? 0) + targetByteLength(slice));
    }
  }
  return lengths;
}
