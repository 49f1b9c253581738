import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
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
