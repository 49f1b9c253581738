import type { Tekken } from '../../tokenizer/tekken.ts';

/** What the tokens of an answer are: a mark is a control token between them. */
export type Part = 'text' | 'thinking' | 'calls' | 'mark';

/** How an answer begins: behind thoughts that are to go on, behind `[TOOL_CALLS]`, or anew. */
export type Beginning = Exclude<Part, 'mark'>;

/** The control tokens that divide an answer; undefined where the model has none, or is not to use it. */
export interface Marks {
  think: number | undefined;
  endThink: number | undefined;
  calls: number | undefined;
}

/** Thoughts need both of their marks; calls are only read where tools are known. */
export function marksOf(tekken: Tekken, { withTools }: { withTools: boolean }): Marks {
  const [think, endThink] = [tekken.find('[THINK]'), tekken.find('[/THINK]')];
  const thinks = think !== undefined && endThink !== undefined;
  return {
    think: thinks ? think : undefined,
    endThink: thinks ? endThink : undefined,
    calls: withTools ? tekken.find('[TOOL_CALLS]') : undefined,
  };
}

/** Tells the parts of an answer apart by its ids, as they come: what looks like a mark in text is text. */
export class Phases {
  readonly #marks: Marks;
  #part: Beginning;

  constructor(marks: Marks, beginning: Beginning) {
    this.#marks = marks;
    this.#part = beginning;
  }

  /** Where the next token stands. */
  get part(): Beginning {
    return this.#part;
  }

  /** What this one is. */
  push(id: number): Part {
    const { think, endThink, calls } = this.#marks;
    if (this.#part === 'calls') return 'calls'; // until the end: further calls have their marks within
    if (id === calls && this.#part === 'text') {
      this.#part = 'calls';
      return 'calls';
    }
    if (id !== think && id !== endThink) return this.#part;
    this.#part = id === think ? 'thinking' : 'text';
    return 'mark';
  }
}
