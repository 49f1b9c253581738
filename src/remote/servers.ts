import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Arrivals } from '../base/arrivals.ts';
import { PixtralError } from '../base/errors.ts';
import type { Answerer, Asked, Endings, ItemEvent } from '../asking/answerer.ts';
import type { EngineEvent, Question, QuestionEvent } from '../asking/events.ts';
import { templateFor } from '../asking/decisions/decision-prompt.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import type { GridConfig } from '../image/pixels/grid.ts';
import { pause } from '../hub/http.ts';
import { askServer } from './ask-server.ts';
import { optionFields } from './chat-request.ts';
import { Channel } from './channel.ts';
import { decideServer } from './decide-server.ts';
import { ServerFault, ServerRefusal } from './fault.ts';
import type { FoundServer } from './find-server.ts';
import { hedged } from './hedge.ts';
import { isDemo } from './grids.ts';
import { type Lane, type Lanes, type Place, mostConcurrency } from './lanes.ts';
import { type LaidOut, requestAhead } from './request-ahead.ts';

export interface ServersOptions {
  lanes: Lanes;
  /** They are all of one model. */
  found: readonly FoundServer[];
  concurrency: number | 'auto';
}

/** Of one question, while the server is there. */
const maxFailures = 4;
const backoffMilliseconds = 250;
/** How late an answer is before it is asked for elsewhere too: so many times what is usual. */
const lateTimes = 3;
const earliestHedgeMilliseconds = 200;
const hedgeCheckMilliseconds = 100;
/** Tokens that a context may have where the server does not say. */
const usualContext = 131_072;

/** Raise it when the same question would be answered differently. */
const jobFormat = 1;

/** Servers that answer questions as a model on this machine does. */
export class Servers implements Answerer {
  readonly takes = 'png';
  readonly found: readonly FoundServer[];
  readonly #lanes: Lanes;
  readonly #mostAtOnce: number;

  constructor({ lanes, found, concurrency }: ServersOptions) {
    this.found = found;
    this.#lanes = lanes;
    this.#mostAtOnce = lanes.all.length * (concurrency === 'auto' ? mostConcurrency : concurrency);
  }

  get image(): GridConfig {
    return this.found[0]!.grid.image;
  }

  get maxImageTokens(): number {
    return Math.min(...this.found.map(({ contextSize }) => contextSize ?? usualContext));
  }

  /** They are all of one. */
  get model(): string {
    return this.found[0]!.model;
  }

  /** It is sent to them with each question. */
  get tellsSchema(): boolean {
    return false;
  }

  get decisionTemplate(): string {
    return templateFor(isDemo(this.model) ? 'demo' : this.model);
  }

  get mostAtOnce(): number {
    return this.#mostAtOnce;
  }

  /**
   * What all records of a job share: kind and model, and for servers that anyone may run under any name the host. Where
   * a server of our own or of a known kind stands makes no difference, so that a job goes on at other ones.
   */
  get job(): string {
    const parts = this.found.map(({ kind, model, address }) =>
      JSON.stringify([kind, model, kind === 'openai' ? address.root.host : '']),
    );
    return createHash('sha256')
      .update(JSON.stringify([jobFormat, 'server', [...new Set(parts)].toSorted(), this.image]))
      .digest('hex');
  }

  /** @throws PixtralError `usage` naming what these servers lack of what every question would ask for */
  checkOptions(options: RecordQuestion['options']): void {
    for (const { kind } of this.found) optionFields(options, kind);
  }

  /** The first question of a terminal: shown as it comes, and begun anew only while nothing was shown. */
  async *ask(
    question: Question,
    signal: AbortSignal = new AbortController().signal,
  ): AsyncGenerator<EngineEvent, void> {
    let hasText = false;
    for (let attempts = 1, failures = 0; ; attempts++) {
      const place = await this.#lanes.take({ avoid: undefined, signal });
      try {
        for await (const event of askServer(question, { ...asking(place.lane), stream: true, attempts, signal })) {
          hasText ||= event.kind === 'text' || event.kind === 'thought';
          if (event.kind === 'answer') this.#lanes.answered(place, undefined);
          yield event;
        }
        return;
      } catch (thrown) {
        this.#settle(place, thrown);
        if (!(thrown instanceof ServerFault)) throw thrown;
        if (thrown.kind !== 'busy') failures++;
        if (hasText || failures >= maxFailures || thrown.kind === 'unreachable')
          throw lasting(thrown, { times: failures, question });
        await pause(backoff(failures), signal);
      }
    }
  }

  async *answer<T>(
    asked: AsyncIterable<Asked<T>>,
    { stop, signal = new AbortController().signal }: Endings,
  ): AsyncGenerator<ItemEvent<T>, void> {
    const ending = new AbortController();
    const events = new Channel<ItemEvent<T>>();
    const pumping = this.#pump(asked, { events, stop, signal: AbortSignal.any([signal, ending.signal]) });
    pumping.then(
      () => events.end(),
      (reason: unknown) => events.fail(reason),
    );
    try {
      yield* events;
      signal.throwIfAborted();
    } finally {
      ending.abort(new Error('nobody waits for the answers'));
      await pumping.catch(() => {});
    }
  }

  async close(): Promise<void> {
    await this.#lanes.close();
  }

  /** Takes questions as places come free. */
  async #pump<T>(asked: AsyncIterable<Asked<T>>, { events, stop, signal }: Pumping<T>): Promise<void> {
    const arrivals = new Arrivals(asked);
    const work = new Set<InWork>();
    const failing = new AbortController();
    const until = AbortSignal.any([signal, failing.signal]);
    const beginning = stop ? AbortSignal.any([until, stop]) : until;
    setMaxListeners(0, until, beginning); // each request has one
    // Not only at the end: records that wait for a straggler before them may hold all others up.
    const watch = setInterval(() => this.#hedgeLate(work), hedgeCheckMilliseconds);
    try {
      for (let next = await arrivals.take(); next; next = await arrivals.take()) {
        const { item, question } = next;
        if (!question) {
          events.push({ item, event: undefined });
          continue;
        }
        const request = this.#layOut(question);
        const place = await this.#lanes.take({ avoid: undefined, signal: beginning });
        const told = (event: QuestionEvent): void => events.push({ item, event });
        told({ kind: 'stage', stage: 'prefill' });
        const one = this.#begin(question, { place, request, told, signal: until });
        work.add(one);
        one.done.then(
          () => work.delete(one),
          (thrown: unknown) => failing.abort(thrown),
        );
      }
    } catch (thrown) {
      if (stop?.aborted !== true || until.aborted) throw thrown;
    } finally {
      arrivals.close();
      await Promise.allSettled([...work].map(({ done }) => done));
      clearInterval(watch);
    }
    failing.signal.throwIfAborted();
  }

  /** What takes far longer than usual is asked elsewhere too, where there is nothing else to do. */
  #hedgeLate(work: ReadonlySet<InWork>): void {
    const usual = this.#lanes.usualMilliseconds;
    if (usual === undefined) return;
    for (const one of work) {
      if (performance.now() - one.start < Math.max(usual * lateTimes, earliestHedgeMilliseconds)) continue;
      if (this.#lanes.hasRoomBeside(one.held.place.lane)) one.onLate();
    }
  }

  /** While all places are taken: whoever gets one has but to send it. */
  #layOut(question: Question): LaidOut | undefined {
    if (question.decisions) return undefined;
    const request = requestAhead(question);
    request.prepare(this.found[0]!);
    return request;
  }

  #begin(
    question: Question,
    {
      place,
      request,
      told,
      signal,
    }: { place: Place; request: LaidOut | undefined; told: (event: QuestionEvent) => void; signal: AbortSignal },
  ): InWork {
    let onLate = (): void => {};
    const late = new Promise<void>((resolve) => (onLate = resolve));
    const held = { place };
    const done = this.#answerOne(question, { held, request, late, told, signal });
    return { start: performance.now(), held, onLate, done };
  }

  /** @throws what concerns all questions */
  async #answerOne(
    question: Question,
    {
      held,
      request,
      late,
      told,
      signal,
    }: {
      held: Held;
      request: LaidOut | undefined;
      late: Promise<void>;
      told: (event: QuestionEvent) => void;
      signal: AbortSignal;
    },
  ): Promise<void> {
    const { cancel } = question;
    const attempts = { count: 0 };
    const first = (ends: AbortSignal): Promise<EngineEvent> =>
      this.#persist(question, { held, request, attempts, signal: ends });
    const second = async (ends: AbortSignal): Promise<EngineEvent> => {
      const place = await this.#lanes.take({ avoid: held.place.lane, signal: ends });
      return this.#persist(question, { held: { place }, request, attempts, signal: ends });
    };
    const until = cancel ? AbortSignal.any([signal, cancel]) : signal;
    const isAlone = this.#lanes.all.length === 1; // nobody else could be asked, and signals of one's own cost time
    try {
      told(await (isAlone ? first(until) : hedged({ late, first, second, signal: until })));
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof ServerRefusal || !(thrown instanceof PixtralError || cancel?.aborted === true))
        throw thrown;
      told({ kind: 'failed', error: ofRecord(thrown) });
    }
  }

  /** Until it is answered, wherever there is room; the first time where it has a place already. */
  async #persist(
    question: Question,
    {
      held,
      request,
      attempts,
      signal,
    }: { held: Held; request: LaidOut | undefined; attempts: { count: number }; signal: AbortSignal },
  ): Promise<EngineEvent> {
    for (let failures = 0; ;) {
      const { place } = held;
      attempts.count++;
      const start = performance.now();
      try {
        const answer = await this.#once(question, { place, request, attempts: attempts.count, signal });
        this.#lanes.answered(place, performance.now() - start);
        return answer;
      } catch (thrown) {
        this.#settle(place, thrown);
        if (!(thrown instanceof ServerFault)) throw thrown;
        if (thrown.kind === 'failed' && ++failures >= maxFailures) throw lasting(thrown, { times: failures, question });
        if (thrown.kind === 'failed' && !this.#lanes.hasRoomBeside(place.lane)) await pause(backoff(failures), signal);
      }
      held.place = await this.#lanes.take({ avoid: place.lane, signal });
    }
  }

  async #once(
    question: Question,
    {
      place,
      request,
      attempts,
      signal,
    }: { place: Place; request: LaidOut | undefined; attempts: number; signal: AbortSignal },
  ): Promise<EngineEvent> {
    const { decisions } = question;
    const asked = { ...asking(place.lane), attempts, signal };
    if (decisions) return { kind: 'decided', decided: await decideServer({ ...question, decisions }, asked) };
    const onReplied = (): void => this.#lanes.leave(place);
    for await (const event of askServer(question, { ...asked, request, stream: false, onReplied })) {
      if (event.kind === 'answer') return event;
    }
    throw new Error('a question was asked and came to no end');
  }

  /** Gives back the place of a request that came to no answer. */
  #settle(place: Place, thrown: unknown): void {
    if (thrown instanceof ServerFault) this.#lanes.faulted(place, thrown);
    else if (thrown instanceof PixtralError) this.#lanes.answered(place, undefined);
    else this.#lanes.leave(place);
  }
}

interface Pumping<T> {
  events: Channel<ItemEvent<T>>;
  stop: AbortSignal | undefined;
  signal: AbortSignal;
}

/** Where a question is asked now: elsewhere than at first, if that failed. */
interface Held {
  place: Place;
}

interface InWork {
  start: number;
  held: Held;
  onLate: () => void;
  done: Promise<void>;
}

function asking({ connection, server }: Lane) {
  return { connection, server: server! };
}

function backoff(failures: number): number {
  return backoffMilliseconds * 2 ** failures * (0.5 + Math.random() / 2);
}

/** A fault that was met too often. */
function lasting(fault: ServerFault, { times, question }: { times: number; question: Question }): PixtralError {
  const often = times > 1 ? `, ${times} times in a row` : '';
  const { format } = question.options;
  const isForm = format !== undefined && !question.decisions && fault.status !== undefined;
  return new PixtralError('machine', `${fault.message}${often}${isForm ? `, asked for ${formName(format)}` : ''}`, {
    hint: isForm
      ? 'it may have no way to answer in this form (its log says why): another form may do, and the model on this machine does'
      : "the server's own log says why; the same command goes on from here",
    cause: fault,
  });
}

/** What a message shows of choices. */
const [shownChoices, shownLetters] = [4, 40];

function formName(format: AnswerFormat): string {
  switch (format.kind) {
    case 'choice': {
      const { choices } = format;
      const shown = choices
        .slice(0, shownChoices)
        .map((choice) => JSON.stringify(Array.from(choice).slice(0, shownLetters).join('')));
      return `one of ${shown.join(', ')}${choices.length > shownChoices ? ', ...' : ''}`;
    }
    case 'json':
      return 'JSON by a schema';
    case 'text':
      return 'what a grammar allows';
    default:
      return format satisfies never;
  }
}

/** Something that no server can do for one record says nothing about the others. */
function ofRecord(thrown: unknown): unknown {
  if (!(thrown instanceof PixtralError) || thrown.code !== 'usage') return thrown;
  return new PixtralError('input', thrown.message, { hint: thrown.hint, cause: thrown });
}
