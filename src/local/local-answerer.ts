import { setMaxListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { answerEach } from '../asking/answer-each.ts';
import { AskQueue } from '../asking/ask-queue.ts';
import type { Answerer, Asked, Endings, ItemEvent } from '../asking/answerer.ts';
import type { EngineEvent, Question, QuestionEvent } from '../asking/events.ts';
import type { GridConfig } from '../image/pixels/grid.ts';
import type { Message } from '../prompt/message.ts';
import type { Announcement } from '../store/announcements.ts';
import type { LocalQuestion, SentImage } from '../wires/local-question.ts';
import { LocalServerEnded, askLocal } from './ask-local.ts';

/** The model here, of which nothing is loaded before it is started. */
type OwnModel = Answerer & { start(signal?: AbortSignal): Promise<void> };

export interface LocalAnswererOptions {
  server: Announcement;
  /** It prepares pictures, and answers what the server does not: that has the same weights, computed in the same way. */
  model: OwnModel;
  /** Each question is computed in steps of its own. */
  reproducible: boolean;
  /** Its questions' prompts are of no further use. */
  once: boolean;
  /** The server has ended: from now on the model here answers. */
  onEnded: () => void;
}

const busyMilliseconds = 100;

/** A server of this user in place of the model here: nothing is loaded as long as it is there. */
export class LocalAnswerer implements Answerer {
  readonly takes = 'patches';
  readonly mostAtOnce: number;
  readonly #options: LocalAnswererOptions;
  readonly #alone: boolean;
  #ended = false;

  constructor(options: LocalAnswererOptions) {
    const { model, server, reproducible } = options;
    this.#options = options;
    this.#alone = reproducible || model.mostAtOnce === 1;
    this.mostAtOnce = Math.min(model.mostAtOnce, server.atOnce);
  }

  get image(): GridConfig {
    return this.#options.model.image;
  }

  get maxImageTokens(): number {
    return this.#options.model.maxImageTokens;
  }

  get decisionTemplate(): string {
    return this.#options.model.decisionTemplate;
  }

  get tellsSchema(): boolean {
    return this.#options.model.tellsSchema;
  }

  async *ask(question: Question, signal?: AbortSignal): AsyncGenerator<EngineEvent, void> {
    for await (const { event } of this.answer(only({ item: undefined, question }), { signal })) {
      if (event?.kind === 'failed') throw event.error;
      if (event) yield event;
    }
  }

  /** Every question is answered once: by the server, or where that ended before, by the model here. */
  async *answer<T>(asked: AsyncIterable<Asked<T>>, endings: Endings): AsyncGenerator<ItemEvent<T>, void> {
    const { stop, signal } = endings;
    const ending = new AbortController();
    const until = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
    setMaxListeners(0, until); // each request has some
    const own = new OwnAnswers(this.#options.model, { stop, signal: until });
    const ask = (question: Question) => this.#askOne(question, { own, signal: until });
    try {
      for await (const told of answerEach(asked, { ask, mostAtOnce: this.mostAtOnce, stop, signal })) {
        if (own.fault) throw own.fault.reason;
        yield told;
      }
      if (own.fault) throw own.fault.reason;
      signal?.throwIfAborted();
    } finally {
      ending.abort(new Error('nobody waits for the answers'));
      await own.close();
    }
  }

  async close(): Promise<void> {
    await this.#options.model.close();
  }

  async *#askOne(
    question: Question,
    { own, signal }: { own: OwnAnswers; signal: AbortSignal },
  ): AsyncGenerator<QuestionEvent, void> {
    const { cancel } = question;
    const reply = this.#ended
      ? undefined
      : await this.#reply(question, cancel ? AbortSignal.any([signal, cancel]) : signal);
    if (reply) {
      try {
        for await (const event of reply) if (event.kind !== 'pictures') yield event;
        return;
      } catch (thrown) {
        if (!(thrown instanceof LocalServerEnded)) throw thrown;
        this.#end();
      }
    }
    yield* own.ask(question);
  }

  /** What the server says, when it has a place; undefined where it does not take the question. */
  async #reply(question: Question, signal: AbortSignal) {
    const sent = this.#sent(question);
    for (;;) {
      const reply = await askLocal(this.#options.server, { question: sent, signal });
      if (reply.kind === 'told') return reply.events;
      if (reply.kind === 'ended') this.#end();
      if (reply.kind !== 'busy') return undefined;
      await setTimeout(busyMilliseconds);
      signal.throwIfAborted();
    }
  }

  #sent({ messages, options, decisions }: Question): LocalQuestion {
    const prepared = messages.map((message): Message<SentImage> => ({
      ...message,
      content: message.content.map((chunk) =>
        chunk.kind === 'image' ? { kind: 'image', image: { kind: 'prepared', picture: chunk.image } } : chunk,
      ),
    }));
    return {
      messages: prepared,
      options,
      decisions,
      pictures: undefined,
      alone: this.#alone,
      once: this.#options.once,
      priority: 'background',
    };
  }

  #end(): void {
    if (!this.#ended) this.#options.onEnded();
    this.#ended = true;
  }
}

/** Answers of the model here, which is started by the first question that it is asked. */
class OwnAnswers {
  /** It cannot answer at all. */
  fault: { reason: unknown } | undefined;
  readonly #queue = new AskQueue({ most: Number.POSITIVE_INFINITY });
  readonly #model: OwnModel;
  readonly #endings: Endings;
  #delivering: Promise<void> | undefined;

  constructor(model: OwnModel, endings: Endings) {
    this.#model = model;
    this.#endings = endings;
  }

  async *ask(question: Question): AsyncGenerator<QuestionEvent, void> {
    this.#delivering ??= this.#deliver();
    yield* this.#queue.ask(question);
  }

  async close(): Promise<void> {
    this.#queue.close(new Error('nobody waits for the answers'));
    await this.#delivering;
  }

  async #deliver(): Promise<void> {
    try {
      await this.#model.start(this.#endings.signal);
      await this.#queue.deliver(this.#model.answer(this.#queue.questions(), this.#endings));
    } catch (reason) {
      this.fault = { reason };
      this.#queue.close(reason);
    }
  }
}

async function* only<T>(item: T): AsyncGenerator<T, void> {
  yield item;
}
