import { partOf } from '../../convert/part-file.ts';
import type { PlannedFile } from '../../convert/plan-pair.ts';
import type { PlannedTensor } from '../../convert/plan.ts';
import type { Segment } from '../../convert/segments.ts';
import { type StreamSums, readStreamSums, tensorKey } from '../../convert/stream-sums.ts';
import type { PullOptions } from './options.ts';
import type { Samples } from './samples.ts';
import { type PullPoint, type PullState, freshState } from './state.ts';

interface OnDisk {
  files: readonly PlannedFile[];
  segments: readonly Segment[];
  samples: Pick<Samples, 'sum'>;
  options: Pick<PullOptions, 'signal' | 'onNote'>;
}

/**
 * As much of a state as the disk still bears out: every tensor in the parts is read and compared with its sum. Where one
 * is not what was written, the pull goes on from the last point before it.
 */
export async function soundState(
  state: PullState,
  { files, segments, samples, options: { signal, onNote } }: OnDisk,
): Promise<{ state: PullState; written: StreamSums }> {
  const written = await readStreamSums(files, { segments: segments.slice(0, state.next), signal });
  const damaged = damagedTensors(files, { known: written.known(), expected: state.written });
  const isWhole = ({ next, sampled }: PullPoint): boolean =>
    sampled === undefined || samples.sum(endsOf(segments.slice(0, next))) === sampled;
  if (damaged.size === 0 && isWhole(state)) return { state, written };
  const [first] = damaged.values();
  onNote(`${first ?? 'samples'}: is not what an earlier run wrote there: fetched again from there on`);
  const begun = segments.findIndex(({ slices }) => slices.some(({ tensor }) => damaged.has(tensor)));
  const before = begun < 0 ? state.next : begun;
  const point = state.earlier.findLast((one) => one.next <= before && isWhole(one));
  return {
    state: point
      ? { ...state, ...point, earlier: state.earlier.filter(({ next }) => next < point.next) }
      : freshState(state.identity),
    written: await readStreamSums(files, { segments: segments.slice(0, point?.next ?? 0), signal }),
  };
}

/** With where they stand. */
function damagedTensors(
  files: readonly PlannedFile[],
  { known, expected }: { known: Readonly<Record<string, string>>; expected: Readonly<Record<string, string>> },
): Map<PlannedTensor, string> {
  const all = files.flatMap((file) => file.tensors.map((tensor) => ({ file, tensor, key: tensorKey(file, tensor) })));
  const damaged = all.filter(({ key }) => known[key] !== expected[key]);
  return new Map(damaged.map(({ file, tensor }) => [tensor, `${partOf(file.path)}: ${tensor.name}`]));
}

/** How far each file is done, by path. */
export function endsOf(segments: readonly Segment[]): Map<string, number> {
  return new Map(segments.map(({ path, end }) => [path, end]));
}
