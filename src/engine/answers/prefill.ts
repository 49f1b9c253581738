import type { Picture } from '../../image/decoder/load.ts';
import type { Run } from '../../prompt/encode.ts';
import { availableMemory } from '../runtime/budget.ts';
import type { StageClock } from '../../asking/clock.ts';
import type { EngineEvent } from '../../asking/events.ts';
import { imageRows } from '../pictures/image-rows.ts';
import { type PromptStep, promptSteps } from './prompt-steps.ts';
import type { Loaded } from '../runtime/runtime.ts';
import type { Slot } from './slots.ts';

interface PrefillOptions extends Loaded {
  clock: StageClock;
  /** Its state is of no further use. */
  once: boolean;
  /** Do not append the last step: its ids are `rest`. */
  leaveLast?: true;
  /** An answer that was drawn before stands in for its ids in the prompt. */
  drawnToo?: boolean;
  signal: AbortSignal | undefined;
}

/** A prompt in a sequence. */
export interface Prefilled {
  slot: Slot;
  /** Pictures that the tower did not have to look at. */
  cached: Set<Picture>;
  /** Ids that were there already. */
  reused: number;
  /** Ids that are left to be appended. */
  rest: readonly number[];
}

/** A copy of the KV state must not push the weights out of memory. */
const shareOfMemory = 0.25;

/**
 * Feeds a prompt into a free slot, picture by picture: one picture's rows are laid out at a time. Goes on from what
 * neighbours hold or earlier questions left, and leaves for the next the states before the first picture (a call for a
 * few ids costs as much as one for sixteen, and a system prompt stands there) and after the last one.
 */
export async function* prefill(
  runs: readonly Run<Picture>[],
  options: PrefillOptions,
): AsyncGenerator<EngineEvent, Prefilled> {
  const { clock, kept, once, leaveLast } = options;
  const steps = promptSteps(runs, options);
  const left = leaveLast && steps.at(-1)?.kind === 'ids' ? steps.at(-1) : undefined;
  const { slot, begun, within } = await clock.time('prefill_ms', () => beginning(runs, { ...options, steps }));
  slot.inWork = true;
  const reused = slot.sequence.length;
  const cached = new Set(steps.slice(0, begun).flatMap((step) => (step.kind === 'rows' ? [step.image] : [])));
  const isRows = ({ kind }: PromptStep): boolean => kind === 'rows';
  const keepAfter = kept && !once ? [steps.findIndex(isRows) - 1, steps.findLastIndex(isRows)] : [];
  try {
    const append = stepAppender(slot, { ...options, cached });
    for (const [index, step] of steps.entries()) {
      if (index < begun || step === left) continue;
      yield* append(step, index === begun ? within : 0);
      slot.held.push(step.key);
      if (keepAfter.includes(index) && index < slot.exactSteps) await keepState(runs, { ...options, slot, step });
    }
  } catch (thrown) {
    slot.inWork = false;
    throw thrown;
  }
  return { slot, cached, reused, rest: left?.kind === 'ids' ? left.ids : [] };
}

/** A slot with as much of the prompt as was computed before: how many steps, and ids of the step behind them. */
async function beginning(
  runs: readonly Run<Picture>[],
  { slots, kept, steps, drawnToo = false }: PrefillOptions & { steps: readonly PromptStep[] },
): Promise<{ slot: Slot; begun: number; within: number }> {
  const prefix = await kept?.prefix(runs, slots.sharedLength(steps));
  if (prefix) {
    const slot = slots.takeEmpty();
    if (await slot.sequence.restore(prefix.state, prefix.length)) {
      const begun = steps.filter(({ end }) => end <= prefix.length);
      slot.held = begun.map(({ key }) => key);
      return { slot, begun: begun.length, within: 0 };
    }
  }
  const { slot, shared, within } = slots.take(steps, { drawnToo });
  return { slot, begun: shared, within };
}

/** Appends steps one after the other, and gets the rows of a picture when its first one comes. */
function stepAppender(slot: Slot, options: PrefillOptions & { cached: Set<Picture> }) {
  const { clock, signal, cached } = options;
  const { dim } = slot.sequence.context.model.config;
  let now: { image: Picture; rows: Float32Array } | undefined;
  let pictures = cached.size;
  return async function* append(step: PromptStep, within: number): AsyncGenerator<EngineEvent, void> {
    if (step.kind === 'ids') {
      yield { kind: 'stage', stage: 'prefill' };
      await clock.time('prefill_ms', () => slot.sequence.appendIds(step.ids.slice(within), signal));
      return;
    }
    const { image, from, to } = step;
    if (now?.image !== image) {
      yield { kind: 'stage', stage: 'encode', detail: image.source };
      now = { image, rows: await laidOutRows(image, options) };
      yield { kind: 'stage', stage: 'prefill', detail: `picture ${++pictures}` };
    }
    const rows = now.rows.subarray(from * dim, to * dim);
    await clock.time('prefill_ms', () => slot.sequence.appendRows(rows, signal));
  };
}

async function laidOutRows(
  picture: Picture,
  { rows: pictureRows, imgBreak, imgEnd, clock, signal, cached }: PrefillOptions & { cached: Set<Picture> },
): Promise<Float32Array> {
  const { rows: encoded, took } = await pictureRows.get(picture, signal);
  if (took) {
    clock.add('load_ms', took.load_ms);
    clock.add('encode_ms', took.encode_ms);
  } else cached.add(picture);
  const { columns, rows } = picture.grid;
  return imageRows(encoded, { columns, rows, imgBreak, imgEnd });
}

async function keepState(
  runs: readonly Run<Picture>[],
  { kept, slot: { sequence }, step }: PrefillOptions & { slot: Slot; step: PromptStep },
): Promise<void> {
  const byteLength = sequence.stateByteLength();
  if (!kept || byteLength > availableMemory() * shareOfMemory || !(await kept.accepts(byteLength))) return;
  const isImage = ({ kind }: Run<Picture>): boolean => kind === 'image';
  const count = step.kind === 'ids' ? runs.findIndex(isImage) : runs.findLastIndex(isImage) + 1;
  kept.keepPrefix(runs.slice(0, count), await sequence.state());
}
