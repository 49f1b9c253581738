import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { PixtralError } from '../base/errors.ts';
import { systemError } from '../base/files.ts';
import { type QuickSum, quickSums } from '../native/quick-sums.ts';
import { resumableSha256 } from '../native/sha256.ts';
import { partOf } from './part-file.ts';
import { type Reading, type Span, readAhead } from './read-ahead.ts';
import type { PlannedTensor } from './plan.ts';
import type { PlannedFile } from './plan-pair.ts';
import type { Segment } from './segments.ts';
import { type Slice, targetByteLength } from './slices.ts';

/** Sums of what stands of each tensor in parts that grow in the order of the source: of its start, while it is not whole. */
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
  const newSum = await quickSums();
  const sums = new Map<PlannedTensor, QuickSum>();
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
        const sum = newSum();
        const isThere = await readInto(sum, { file, path, spans: [{ start: offset, end: offset + byteLength }] });
        if (isThere) sums.set(tensor, sum);
      }
    } finally {
      await file?.close();
    }
  }
  return {
    add({ tensor }, bytes) {
      const sum = sums.get(tensor) ?? newSum();
      sums.set(tensor, sum);
      sum.update(bytes);
    },
    known: () => Object.fromEntries([...sums].map(([tensor, sum]) => [keys.get(tensor)!, sum.current()])),
  };
}

/** @returns false where the file ends before */
async function readInto(sum: QuickSum, reading: Reading<Span>): Promise<boolean> {
  try {
    for await (const { bytes } of readAhead(reading)) sum.update(bytes);
    return true;
  } catch {
    return false;
  }
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

/** The whole's sum goes on beside the others, on a thread of its own. */
async function readBackFile(
  file: FileHandle,
  { planned, known, signal }: { planned: PlannedFile; known: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<string> {
  const { path } = planned;
  const newSum = await quickSums();
  const whole = (await resumableSha256())!;
  let sum = newSum();
  for await (const { bytes, span, isLast } of readAhead({ file, path, spans: spansOf(planned, { known, newSum }) })) {
    signal.throwIfAborted();
    const passed = whole.update(bytes);
    sum.update(bytes);
    await passed;
    if (!isLast) continue;
    if (span.expected !== undefined && sum.current() !== span.expected.sum) throw differs(path, span.expected.what);
    sum = newSum();
  }
  return whole.digest();
}

function differs(path: string, what: string): PixtralError {
  return new PixtralError('machine', `${path}: ${what} is not what was written there`, {
    hint: 'run the same command again: it goes on from what is right; if it happens again, suspect the disk or the memory',
  });
}

interface Expected extends Span {
  expected?: { what: string; sum: string | undefined };
}

/** All of a file: header, tensors, and the padding between and after, of which nothing is expected. */
function spansOf(
  planned: PlannedFile,
  { known, newSum }: { known: Readonly<Record<string, string>>; newSum: () => QuickSum },
): Expected[] {
  const { layout, tensors } = planned;
  const header = newSum();
  header.update(layout.header);
  const spans: Expected[] = [
    { start: 0, end: layout.header.byteLength, expected: { what: 'the header', sum: header.current() } },
  ];
  const pad = (end: number): void => void spans.push({ start: spans.at(-1)!.end, end });
  for (const [index, { offset, byteLength }] of layout.tensors.entries()) {
    const tensor = tensors[index]!;
    const expected = { what: `tensor ${tensor.name}`, sum: known[tensorKey(planned, tensor)] };
    pad(offset);
    spans.push({ start: offset, end: offset + byteLength, expected });
  }
  pad(layout.byteLength);
  return spans;
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
