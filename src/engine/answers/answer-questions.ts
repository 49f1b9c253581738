import { Arrivals } from '../../base/arrivals.ts';
import { type Trace, traced, tracedNow } from '../../base/trace.ts';
import type { DecoderModel } from '../../decoder/model.ts';
import { Sequence } from '../../decoder/sequence.ts';
import type { AnswerFormat } from '../../grammar/answer-format.ts';
import type { Matcher } from '../../grammar/matcher.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { Run } from '../../prompt/encode.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';
import { AnswerMatcher } from './answer-matcher.ts';
import { type AnswerPlan, planQuestion, tokensOf } from './answer-plan.ts';
import { AnswerWriter } from './answer-writer.ts';
import { commonStep } from './common-step.ts';
import { chooseContextSize } from '../runtime/budget.ts';
import { type StageClock, stageClock } from '../../asking/clock.ts';
import { planDecisions } from '../decisions/plan-decisions.ts';
import { type DecisionReadings, readDecisions } from '../decisions/read-decisions.ts';
import type { Asked, ItemEvent } from '../../asking/answerer.ts';
import type { Decided, QuestionEvent } from '../../asking/events.ts';
import { type GuessedBefore, Guesses } from './guesses.ts';
import type { EngineOptions } from '../engine-options.ts';
import type { Grammars } from './grammars.ts';
import { type InWork, type Planned, draw, end, fail } from './in-work.ts';
import type { ModelFiles } from '../runtime/model-files.ts';
import { prefill } from './prefill.ts';
import { imageReceipt } from '../../asking/pictures/receipt.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Slot } from './slots.ts';

export interface AnsweringOptions {
  files: ModelFiles;
  grammars: Grammars;
  /** What answers are looked up in, where they are. */
  guessedBefore: GuessedBefore | undefined;
  runtime: Runtime;
  options: EngineOptions;
  /** Nothing is begun after it fires; what is in work is finished. */
  stop: AbortSignal | undefined;
  signal: AbortSignal | undefined;
}

/**
 * Answers questions as they come, as many at once as the runtime has sequences: when one is done, the next takes its
 * place. A question that fails is an event of its own and harms no other.
 * @throws the reason of the signal
 */
export async function* answerQuestions<T>(
  asked: AsyncIterable<Asked<T>>,
  answering: AnsweringOptions,
): AsyncGenerator<ItemEvent<T>, void> {
  const arrivals = new Arrivals(asked);
  const work: InWork<T>[] = [];
  const again: Planned<T>[] = [];
  let planned: Planned<T> | undefined;
  const mayBegin = (): boolean => {
    const mayBeAsked = again.length > 0 || answering.stop?.aborted !== true;
    return mayBeAsked && answering.runtime.hasRoom((again[0] ?? planned)?.contextSize);
  };
  try {
    for (;;) {
      // Prompts first: a step costs nearly the same for few as for many.
      while (mayBegin()) {
        const ready = again.shift() ?? planned;
        if (!ready) {
          if (work.length > 0 && !arrivals.isReady) break;
          const arrived = await arrivals.take();
          if (!arrived) break;
          planned = yield* plan(arrived, answering);
          continue; // it may need a larger context, for which all others have to end
        }
        if (ready === planned) planned = undefined;
        const begun = yield* begin(ready, answering);
        if (begun && 'again' in begun) again.push(begun.again);
        else if (begun) work.push(begun);
      }
      answering.signal?.throwIfAborted();
      if (work.length === 0) return;
      answering.runtime.lookAhead(arrivals.next?.question, answering.signal);
      again.push(...(yield* step(work, answering)));
    }
  } finally {
    arrivals.close();
    for (const one of work) end(one);
  }
}

async function* plan<T>(
  { item, question }: Asked<T>,
  { files, runtime, options: { contextSize: size, reproducible, trace } }: AnsweringOptions,
): AsyncGenerator<ItemEvent<T>, Planned<T> | undefined> {
  if (!question) {
    yield { item, event: undefined };
    return undefined;
  }
  const { messages, options, decisions: asked, cancel } = question;
  const alone = reproducible || question.alone === true;
  const once = question.once === true;
  try {
    const clock = stageClock(trace);
    if (asked) {
      const decided = planDecisions(messages, asked, files.tekken);
      const { promptTokens, followed: maxTokens } = decided;
      const needed = chooseContextSize(files, { contextSize: size, promptTokens, maxTokens });
      const contextSize = runtime.contextFor(needed);
      const { runs } = decided.asks[0]![0]!;
      return {
        item,
        options,
        runs,
        answer: undefined,
        cancel,
        alone,
        once,
        decisions: { asked, plan: decided },
        promptTokens,
        contextSize,
        clock,
        retried: undefined,
      };
    }
    const answer = planQuestion(question, files.tekken);
    const { runs } = answer;
    const promptTokens = tokensOf(runs);
    const { maxTokens } = options;
    const contextSize = runtime.contextFor(chooseContextSize(files, { contextSize: size, promptTokens, maxTokens }));
    return {
      item,
      options,
      runs,
      answer,
      cancel,
      alone,
      once,
      decisions: undefined,
      promptTokens,
      contextSize,
      clock,
      retried: undefined,
    };
  } catch (error) {
    yield { item, event: { kind: 'failed', error } };
    return undefined;
  }
}

/** Reads the prompt and draws the first token. Returns undefined when it came to an end by that. */
async function* begin<T>(
  planned: Planned<T>,
  answering: AnsweringOptions,
): AsyncGenerator<ItemEvent<T>, InWork<T> | { again: Planned<T> } | undefined> {
  const { item, options, runs, answer, decisions, cancel, alone, once, contextSize, clock } = planned;
  const { files, runtime, signal } = answering;
  const ending = cancel && signal ? AbortSignal.any([signal, cancel]) : (cancel ?? signal);
  let slot: Slot | undefined;
  try {
    yield { item, event: { kind: 'stage', stage: 'load' } };
    const withImages = runs.some(isImage);
    const loaded = await clock.time('load_ms', () => runtime.load({ contextSize, withImages, signal }));
    const pictures = runs.filter(isImage).map(({ image }) => image);
    for (const { milliseconds } of pictures) clock.add('image_ms', milliseconds);
    if (decisions || !answer) {
      if (!decisions) throw new Error('neither an answer nor decisions are planned');
      const { asked, plan: asks } = decisions;
      const read = yield* eventsOf(
        item,
        readDecisions(asks, asked, { loaded, clock, reproducible: alone, once, signal: ending }),
      );
      yield { item, event: { kind: 'decided', decided: decidedOf(read, { model: files.name, pictures, clock }) } };
      return undefined;
    }
    const { model } = loaded;
    const { trace } = answering.options;
    const drawnToo = !answering.options.reproducible;
    const matcher = options.format && matcherInBackground(options.format, { ...answering, model });
    const prompt = yield* eventsOf(item, prefill(runs, { ...loaded, clock, once, drawnToo, signal: ending }));
    slot = prompt.slot;
    yield { item, event: { kind: 'stage', stage: 'decode' } };
    const { tekken } = files;
    const form = matcher && tracedNow({ trace, stage: 'grammar' }, matcher);
    const rules = answerMatcher(answer, { form, model, tekken, grammars: answering.grammars });
    const writer = new AnswerWriter({ ...options, ...answer, model, tekken, matcher: rules, contextSize, trace });
    const images = pictures.map((image) => imageReceipt(image, prompt.cached));
    const { reused } = prompt;
    const guesses = answering.guessedBefore && new Guesses(answering.guessedBefore, textIds(runs));
    const begun: InWork<T> = { planned, slot, writer, images, reused, next: [], guesses };
    const outcome = yield* draw(begun, files.name);
    if (outcome === 'over') return undefined;
    return outcome === 'on' ? begun : outcome;
  } catch (error) {
    if (slot) slot.inWork = false;
    signal?.throwIfAborted();
    yield { item, event: { kind: 'failed', error } };
    return undefined;
  }
}

/** Undefined where nothing is asked of the answer: anything may come. */
function answerMatcher(
  answer: AnswerPlan,
  {
    form,
    model,
    tekken,
    grammars,
  }: { form: Matcher | undefined; model: DecoderModel; tekken: Tekken; grammars: Grammars },
): AnswerMatcher | undefined {
  if (!form && answer.forbidden.length === 0) return undefined;
  const { vocabularySize } = tekken;
  const ends = form ? grammars.ends(model) : []; // without one an answer may end anywhere
  return new AnswerMatcher({ ...answer, vocabularySize, ends, form });
}

/** Reads a grammar, and finds how an answer may begin, as soon as the model works on the prompt in its own thread. */
function matcherInBackground(
  { grammar }: AnswerFormat,
  { grammars, model, options: { trace } }: Pick<AnsweringOptions, 'grammars' | 'options'> & { model: DecoderModel },
): () => Matcher {
  let matcher: Matcher | undefined;
  const make = (): Matcher => (matcher ??= grammars.matcher(model, grammar));
  setImmediate(() => {
    try {
      tracedNow({ trace, stage: 'grammar_beside' }, () => make().mask());
    } catch {
      // it will be thrown again where it is asked for
    }
  });
  return make;
}

/**
 * The next token or tokens of each question in work; those that came to an end are taken out. Returns what is to be asked
 * once more.
 */
async function* step<T>(work: InWork<T>[], answering: AnsweringOptions): AsyncGenerator<ItemEvent<T>, Planned<T>[]> {
  for (const one of work.filter(({ planned: { cancel } }) => cancel?.aborted)) {
    work.splice(work.indexOf(one), 1);
    yield* fail(one, one.planned.cancel?.reason);
  }
  const again: Planned<T>[] = [];
  // A call for each computes just what it would compute if there were no others.
  const others = work.filter(({ planned }) => !planned.alone);
  const calls = work.filter(({ planned }) => planned.alone).map((one) => [one]);
  if (others.length > 0) calls.push(others);
  for (const together of calls) {
    const outcome = yield* stepTogether(together, answering);
    for (const one of together) if (!outcome.goesOn.has(one)) work.splice(work.indexOf(one), 1);
    again.push(...outcome.again);
  }
  return again;
}

async function* stepTogether<T>(
  together: readonly InWork<T>[],
  answering: AnsweringOptions,
): AsyncGenerator<ItemEvent<T>, { goesOn: Set<InWork<T>>; again: Planned<T>[] }> {
  const { signal } = answering;
  const goesOn = new Set<InWork<T>>();
  const again: Planned<T>[] = [];
  const start = performance.now();
  const steps = planStep(together);
  try {
    const appended = Sequence.appendJointly(
      steps.map(({ one: { slot }, ids, guesses, isWhole }) => ({
        sequence: slot.sequence,
        ids,
        guesses,
        wanted: isWhole,
      })),
      signal,
    );
    for (const { one, isWhole } of steps) if (isWhole) one.writer.lookAhead();
    await appended;
  } catch (error) {
    signal?.throwIfAborted();
    for (const one of together) yield* fail(one, error);
    return { goesOn, again };
  }
  const took = performance.now() - start;
  answering.options.trace?.add({ stage: 'decode', start, detail: { questions: together.length } });
  await drawAhead(
    steps.filter(({ isWhole }) => isWhole).map(({ one }) => one),
    answering.options.trace,
  );
  for (const { one, ids, guesses, rest, isWhole } of steps) {
    one.slot.drawn.push(...ids);
    one.planned.clock.add('decode_ms', took);
    one.next = rest;
    const before = one.slot.sequence.length;
    const outcome = isWhole ? yield* draw(one, answering.files.name) : 'on';
    if (isWhole) one.guesses?.learn({ tried: guesses.length, right: one.slot.sequence.length - before });
    if (outcome === 'on') goesOn.add(one);
    else if (outcome !== 'over') again.push(outcome.again);
  }
  return { goesOn, again };
}

/** What the next call appends to each. */
function planStep<T>(together: readonly InWork<T>[]) {
  const counts = commonStep(
    together.map(({ next, guesses }) => ({ ids: next.length, guesses: guesses?.likelihoods ?? [] })),
  );
  return together.map((one, at) => {
    const [ids, rest] = [one.next.slice(0, counts[at]), one.next.slice(counts[at])];
    const guesses = one.guesses?.ids.slice(0, Math.max(0, counts[at]! - one.next.length)) ?? [];
    return { one, ids, guesses, rest, isWhole: rest.length === 0 };
  });
}

/** Of one alone there is nothing to be done beside. */
async function drawAhead<T>(those: readonly InWork<T>[], trace: Trace | undefined): Promise<void> {
  if (those.length < 2) return;
  await traced({ trace, stage: 'draw' }, async () => {
    await Promise.all(those.map(({ writer, slot }) => writer.drawAhead(slot.sequence)));
  });
}

async function* eventsOf<T, R>(item: T, events: AsyncGenerator<QuestionEvent, R>): AsyncGenerator<ItemEvent<T>, R> {
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) return value;
    yield { item, event: value };
  }
}

function decidedOf(
  { readings, promptTokens: prompt, cached }: DecisionReadings,
  { model, pictures, clock }: { model: string; pictures: readonly Picture[]; clock: StageClock },
): Decided {
  const images = pictures.map((picture) => imageReceipt(picture, cached));
  const image = images.reduce((sum, { tokens }) => sum + tokens, 0);
  return { model, readings, images, usage: { prompt, image }, timings: clock.timings };
}

function textIds(runs: readonly Run<Picture>[]): number[] {
  return runs.flatMap((run) => (run.kind === 'ids' ? run.ids : []));
}

function isImage(run: Run<Picture>): run is Extract<Run<Picture>, { kind: 'image' }> {
  return run.kind === 'image';
}
