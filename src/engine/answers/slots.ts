import type { DecoderContext } from '../../decoder/context.ts';
import type { Sequence } from '../../decoder/sequence.ts';
import type { PromptStep } from './prompt-steps.ts';

/** A sequence's place, and what of its last prompt it still holds. */
export interface Slot {
  readonly sequence: Sequence;
  /** Keys of the steps that its cells begin with. */
  held: string[];
  /** Ids of an answer that stand behind them, each computed by itself. */
  drawn: number[];
  /** So many of the held steps are what a prompt alone would have left; behind them stands an answer as it was drawn. */
  exactSteps: number;
  /** Set by whoever took it. Once its work is done, what it holds stays for others until it is taken again. */
  inWork: boolean;
}

/** A beginning of a prompt that a slot holds. */
interface Beginning {
  slot: Slot;
  steps: number;
  /** Ids. */
  length: number;
}

/** What a slot held in a context that is gone. */
interface LeftState extends Pick<Slot, 'held' | 'drawn' | 'exactSteps'> {
  state: Uint8Array;
  /** Ids. */
  length: number;
}

/** Copying moves all cells of a sequence: for a smaller part of them than this, computing is cheaper. */
const leastShare = 1 / 32;

/** The sequences of a context: who is in work, and whose prompts begin alike. */
export class Slots {
  readonly #slots: readonly Slot[];
  readonly #contextSize: number;

  constructor({ sequences, contextSize }: DecoderContext) {
    this.#slots = sequences.map((sequence) => ({ sequence, held: [], drawn: [], exactSteps: Infinity, inWork: false }));
    this.#contextSize = contextSize;
  }

  get isIdle(): boolean {
    return this.#slots.every(({ inWork }) => !inWork);
  }

  get hasFree(): boolean {
    return this.#slots.some(({ inWork }) => !inWork);
  }

  /** Whether some slot holds a step of this picture. */
  holdsPicture(key: string): boolean {
    return this.#slots.some(({ held }) => held.some((step) => step.startsWith(key)));
  }

  /** Ids of the longest beginning that `take` would share. The last step is always computed: its logits are wanted. */
  sharedLength(steps: readonly PromptStep[]): number {
    return this.#longest(steps)?.length ?? 0;
  }

  /**
   * A free slot, with the longest beginning of the prompt that any slot holds.
   * @param drawnToo an answer need not be computed anew to be part of the next prompt: sums are rounded otherwise then
   * @returns how many steps are in it, and how many ids of the step behind them
   */
  take(
    steps: readonly PromptStep[],
    { drawnToo }: { drawnToo: boolean },
  ): { slot: Slot; shared: number; within: number } {
    const beginning = this.#longest(steps);
    if (!beginning) return { slot: this.takeEmpty(), shared: 0, within: 0 };
    const { slot: holder, steps: shared, length } = beginning;
    const within = drawnToo && shared === holder.held.length ? commonIds(holder.drawn, steps[shared]) : 0;
    const slot = holder.inWork ? this.takeEmpty() : holder;
    if (slot === holder) slot.sequence.truncate(length + within);
    else slot.sequence.copyBeginning(holder.sequence, length + within);
    slot.held = holder.held.slice(0, shared);
    slot.drawn = [];
    slot.exactSteps = exactSteps(holder, { shared, within });
    return { slot, shared, within };
  }

  /** A free slot, without anything. */
  takeEmpty(): Slot {
    // The first one: llama.cpp computes neighbours in one pass, others in several (llama_batch_allocr::split_equal).
    const slot = this.#slots.find(({ inWork }) => !inWork);
    if (!slot) throw new Error('all sequences are in work');
    slot.sequence.truncate(0);
    slot.held = [];
    slot.drawn = [];
    slot.exactSteps = Infinity;
    return slot;
  }

  /** What the first slot holds, to move into another context; undefined for nothing, or more than `maxBytes`. */
  async leave(maxBytes: number): Promise<LeftState | undefined> {
    const { sequence, held, drawn, exactSteps } = this.#slots[0]!;
    if (held.length === 0 || sequence.context.isSpoiled || sequence.stateByteLength() > maxBytes) return undefined;
    sequence.truncate(sequence.length); // without what a call left that was broken off
    return { state: await sequence.state(), length: sequence.length, held, drawn, exactSteps };
  }

  async enter({ state, length, ...left }: LeftState): Promise<void> {
    const slot = this.#slots[0]!;
    if (await slot.sequence.restore(state, length)) Object.assign(slot, left);
  }

  #longest(steps: readonly PromptStep[]): Beginning | undefined {
    let longest: Beginning | undefined;
    for (const slot of this.#slots) {
      const shared = commonSteps(slot.held, steps);
      const length = steps[shared - 1]?.end ?? 0;
      const worth = slot.inWork ? this.#contextSize * leastShare : 1;
      // Of equal ones a free slot: nothing has to be copied.
      const isBetter = length > (longest?.length ?? 0) || (length === longest?.length && !slot.inWork);
      if (length >= worth && isBetter) longest = { slot, steps: shared, length };
    }
    return longest;
  }
}

function commonSteps(held: readonly string[], steps: readonly PromptStep[]): number {
  const most = Math.min(held.length, steps.length - 1);
  let common = 0;
  while (common < most && held[common] === steps[common]!.key) common++;
  return common;
}

/** Ids of an answer that the prompt's next step begins with. Its last id is always computed: its logits are wanted. */
function commonIds(drawn: readonly number[], step: PromptStep | undefined): number {
  if (step?.kind !== 'ids') return 0;
  const most = Math.min(drawn.length, step.ids.length - 1);
  let common = 0;
  while (common < most && drawn[common] === step.ids[common]) common++;
  return common;
}

function exactSteps({ exactSteps: before }: Slot, { shared, within }: { shared: number; within: number }): number {
  const kept = shared <= before ? Infinity : before;
  return within > 0 ? Math.min(kept, shared) : kept;
}
