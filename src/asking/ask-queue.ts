import { PixtralError } from '../base/errors.ts';
import type { Asked, ItemEvent } from './answerer.ts';
import type { Question, QuestionEvent } from './events.ts';

/** More wait than may: try again later. */
export class TooBusy extends Error {}

/** No answer will come from here: another server may have one, or a model of one's own. */
export class ServerStopping extends PixtralError {
  constructor() {
    super('machine', 'the server is stopping');
  }
}

/** One question, and who waits for what happens to it. */
export interface Ticket {
  push(event: QuestionEvent): void;
}

/** `background` gives way to all others, and may wait in any number. */
export type Priority = 'foreground' | 'background';

/**
 * Where requests meet the engine: it takes questions one after the other for as long as the server runs, and what happens
 * to each goes to whoever asked it.
 */
export class AskQueue {
  readonly #most: number;
  readonly #waiting: Readonly<Record<Priority, Asked<Ticket>[]>> = { foreground: [], background: [] };
  /** Not yet answered, waiting or begun. */
  readonly #open = new Set<Ticket>();
  #wake: (() => void) | undefined;
  #closed: { reason: unknown } | undefined;

  constructor({ most }: { most: number }) {
    this.#most = most;
  }

  get waiting(): number {
    return this.#waiting.foreground.length + this.#waiting.background.length;
  }

  /** Begun and not yet answered. */
  get inWork(): number {
    return this.#open.size - this.waiting;
  }

  /** What the engine takes. */
  async *questions(): AsyncGenerator<Asked<Ticket>, void> {
    for (;;) {
      const next = this.#waiting.foreground.shift() ?? this.#waiting.background.shift();
      if (next) yield next;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** What the engine tells. When it ends, so do all questions that it has not answered. */
  async deliver(events: AsyncIterable<ItemEvent<Ticket>>): Promise<void> {
    try {
      for await (const { item, event } of events) if (event) item.push(event);
    } finally {
      this.close(new ServerStopping());
      for (const ticket of this.#open) ticket.push({ kind: 'failed', error: this.#closed!.reason });
    }
  }

  /**
   * Asks at once, and gives what happens until the answer or the failure, which is thrown.
   * @throws TooBusy, or what the queue was closed with
   */
  ask(question: Question, priority: Priority = 'foreground'): AsyncGenerator<QuestionEvent, void> {
    if (this.#closed) throw this.#closed.reason;
    const waiting = this.#waiting[priority];
    if (priority === 'foreground' && waiting.length >= this.#most) throw new TooBusy('too many requests wait already');
    const pending: Pending = { events: [], wake: undefined };
    const ticket: Ticket = {
      push: (event) => {
        if (isLast(event)) this.#open.delete(ticket);
        pending.events.push(event);
        pending.wake?.();
      },
    };
    const asked = { item: ticket, question };
    this.#open.add(ticket);
    waiting.push(asked);
    const { cancel } = question;
    const onCancel = (): void => {
      const at = waiting.indexOf(asked);
      if (at < 0) return; // the engine has it, and looks at the signal itself
      waiting.splice(at, 1);
      ticket.push({ kind: 'failed', error: cancel?.reason });
    };
    if (cancel?.aborted) onCancel();
    else cancel?.addEventListener('abort', onCancel, { once: true });
    this.#wake?.();
    return eventsOf(pending, () => cancel?.removeEventListener('abort', onCancel));
  }

  /** No more are taken; those that wait fail. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    for (const waiting of Object.values(this.#waiting)) {
      for (const { item } of waiting.splice(0)) item.push({ kind: 'failed', error: this.#closed.reason });
    }
    this.#wake?.();
  }
}

interface Pending {
  events: QuestionEvent[];
  wake: (() => void) | undefined;
}

async function* eventsOf(pending: Pending, onEnd: () => void): AsyncGenerator<QuestionEvent, void> {
  try {
    for (;;) {
      const event = pending.events.shift();
      if (!event) {
        await new Promise<void>((resolve) => (pending.wake = resolve));
        continue;
      }
      if (event.kind === 'failed') throw event.error;
      yield event;
      if (isLast(event)) return;
    }
  } finally {
    onEnd();
  }
}

function isLast({ kind }: QuestionEvent): boolean {
  return kind === 'failed' || kind === 'answer' || kind === 'decided';
}
