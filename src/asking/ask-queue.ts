import { PixtralError } from '../base/errors.ts';
import type { Asked, ItemEvent } from './answerer.ts';
import type { Question, QuestionEvent } from './events.ts';

/** More wait than may: try again later. */
export class TooBusy extends Error {}

/** One request's question, and who waits for what happens to it. */
export interface Ticket {
  push(event: QuestionEvent): void;
}

/**
 * Where requests meet the engine: it takes questions one after the other for as long as the server runs, and what happens
 * to each goes to whoever asked it.
 */
export class AskQueue {
  readonly #most: number;
  readonly #waiting: Asked<Ticket>[] = [];
  #inWork = 0;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor({ most }: { most: number }) {
    this.#most = most;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Begun and not yet answered. */
  get inWork(): number {
    return this.#inWork - this.#waiting.length;
  }

  /** What the engine takes. */
  async *questions(): AsyncGenerator<Asked<Ticket>, void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) yield next;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** What the engine tells. */
  async deliver(events: AsyncIterable<ItemEvent<Ticket>>): Promise<void> {
    for await (const { item, event } of events) if (event) item.push(event);
  }

  /** Asks, and gives what happens until the answer or the failure, which is thrown. @throws TooBusy */
  async *ask(question: Question): AsyncGenerator<QuestionEvent, void> {
    if (this.#closed) throw new PixtralError('machine', 'the server is stopping');
    if (this.#waiting.length >= this.#most) throw new TooBusy('too many requests wait already');
    const events: QuestionEvent[] = [];
    let wake: (() => void) | undefined;
    const push = (event: QuestionEvent): void => {
      events.push(event);
      wake?.();
    };
    const asked = { item: { push }, question };
    this.#inWork++;
    const onCancel = (): void => {
      const at = this.#waiting.indexOf(asked);
      if (at < 0) return; // the engine has it, and looks at the signal itself
      this.#waiting.splice(at, 1);
      push({ kind: 'failed', error: question.cancel?.reason });
    };
    question.cancel?.addEventListener('abort', onCancel);
    try {
      this.#waiting.push(asked);
      this.#wake?.();
      for (;;) {
        const event = events.shift();
        if (!event) {
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        if (event.kind === 'failed') throw event.error;
        yield event;
        if (event.kind === 'answer' || event.kind === 'decided') return;
      }
    } finally {
      this.#inWork--;
      question.cancel?.removeEventListener('abort', onCancel);
    }
  }

  /** No more are taken; those that wait fail. */
  close(reason: unknown): void {
    this.#closed = true;
    for (const { item } of this.#waiting.splice(0)) item.push({ kind: 'failed', error: reason });
    this.#wake?.();
  }
}
