import { type Trace, tracedNow } from '../../base/trace.ts';
import type { Forced, Matcher } from '../../grammar/matcher.ts';
import type { TokenMask } from '../../grammar/token-masks.ts';
import { type Marks, Phases, type Beginning } from './phases.ts';

export interface AnswerRules {
  /** Ids. */
  vocabularySize: number;
  /** Ids that end an answer. */
  ends: readonly number[];
  marks: Marks;
  /** Never drawn: marks of what is not wanted. */
  forbidden: readonly number[];
  beginning: Beginning;
  /** What the text must be. */
  form: AnswerGuide | undefined;
}

/** What may come next in an answer. */
export type AnswerGuide = Pick<Matcher, 'mask' | 'accept' | 'isFinished' | 'forced'>;

/** The same, with what it takes told: it is all of the grammar that the next token waits for. */
export function tracedGuide(guide: AnswerGuide | undefined, trace: Trace | undefined): AnswerGuide | undefined {
  if (!guide || !trace) return guide;
  const told = <T>(work: () => T): T => tracedNow({ trace, stage: 'grammar' }, work);
  return {
    mask: () => told(() => guide.mask()),
    accept: (id) => told(() => guide.accept(id)),
    forced: (most) => told(() => guide.forced(most)),
    get isFinished() {
      return guide.isFinished;
    },
  };
}

const nothing: Forced = { bytes: new Uint8Array(0), ends: false };

/** What may come in an answer of several parts: its form is that of the text, behind the thoughts and in place of calls. */
export class AnswerMatcher implements AnswerGuide {
  readonly #rules: AnswerRules;
  readonly #phases: Phases;
  #free: TokenMask | undefined;
  #begun = false;

  constructor(rules: AnswerRules) {
    this.#rules = rules;
    this.#phases = new Phases(rules.marks, rules.beginning);
  }

  mask(): TokenMask {
    const { form, marks, ends } = this.#rules;
    const { part } = this.#phases;
    if (!form || part === 'calls') return this.#anything();
    if (part === 'thinking') {
      const mask = this.#anything().slice();
      for (const id of ends) remove(mask, id); // an answer without its form would be none
      return mask;
    }
    if (this.#begun) return form.mask();
    const mask = form.mask().slice();
    for (const id of this.#others(marks)) add(mask, id);
    return mask;
  }

  accept(id: number): void {
    const part = this.#phases.push(id);
    if (part !== 'text') return;
    this.#rules.form?.accept(id);
    this.#begun = true;
  }

  /** Whether the text is whole and nothing may follow. */
  get isFinished(): boolean {
    return this.#begun && this.#rules.form?.isFinished === true;
  }

  /** What the form leaves no choice about, once the text has begun. */
  forced(most: number): Forced {
    const { form, marks } = this.#rules;
    if (!form || this.#phases.part !== 'text') return nothing;
    return this.#begun || this.#others(marks).length === 0 ? form.forced(most) : nothing;
  }

  /** All but what is forbidden. A form alone never asks for it. */
  #anything(): TokenMask {
    if (this.#free) return this.#free;
    const { vocabularySize, forbidden } = this.#rules;
    const free = new Uint32Array(Math.ceil(vocabularySize / 32));
    for (let id = 0; id < vocabularySize; id++) add(free, id);
    for (const id of forbidden) remove(free, id);
    return (this.#free = free);
  }

  /** Marks with which an answer may begin in place of its text. */
  #others({ think, calls }: Marks): number[] {
    return [think, calls].filter((id) => id !== undefined).filter((id) => !this.#rules.forbidden.includes(id));
  }
}

function add(mask: TokenMask, id: number): void {
  mask[id >>> 5]! |= 1 << (id & 31);
}

function remove(mask: TokenMask, id: number): void {
  mask[id >>> 5]! &= ~(1 << (id & 31));
}
