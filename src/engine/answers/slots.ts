import type { DecoderContext } from '../../decoder/context.ts';
import type { Sequence } from '../../decoder/sequence.ts';
import type { PromptStep } from './prompt-steps.ts';

/** A sequence's place, and what of its last prompt it still holds. */
export interface Slot {
  readonly sequence: Sequence;
  /** Keys of the steps that its cells begin with. */
  held: string[];
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

/** Copying moves all cells of a sequence: for a smaller part of them than this, computing is cheaper. */
const leastShare = 1 / 32;

/** The sequences of a context: who is in work, and whose prompts begin alike. */
export class Slots {
  readonly #slots: readonly Slot[];
  readonly #contextSize: number;

  constructor({ sequences, contextSize }: DecoderContext) {
    this.#slots = sequences.map((sequence) => ({ sequence, held: [], inWork: false }));
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
   * @returns how many steps are in it
   */
  take(steps: readonly PromptStep[]): { slot: Slot; shared: number } {
    const beginning = this.#longest(steps);
    if (!beginning) return { slot: this.takeEmpty(), shared: 0 };
    const { slot: holder, steps: shared, length } = beginning;
    const slot = holder.inWork ? this.takeEmpty() : holder;
    if (slot === holder) slot.sequence.truncate(length);
    else slot.sequence.copyBeginning(holder.sequence, length);
    slot.held = holder.held.slice(0, shared);
    return { slot, shared };
  }

  /** A free slot, without anything. */
  takeEmpty(): Slot {
    // The first one: llama.cpp computes neighbours in one pass, others in several (llama_batch_allocr::split_equal).
    const slot = this.#slots.find(({ inWork }) => !inWork);
    if (!slot) throw new Error('all sequences are in work');
    slot.sequence.truncate(0);
    slot.held = [];
    return slot;
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
