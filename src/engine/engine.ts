import { traced } from '../base/trace.ts';
import { AbortFlag } from '../native/abort-flag.ts';
import { planQuestion, tokensOf } from './answers/answer-plan.ts';
import { answerQuestions } from './answers/answer-questions.ts';
import { mostSequences } from './runtime/budget.ts';
import type { Answerer, Asked, Endings, ItemEvent } from '../asking/answerer.ts';
import type { EngineEvent, Question } from '../asking/events.ts';
import type { EngineOptions } from './engine-options.ts';
import type { GridConfig } from '../image/pixels/grid.ts';
import { Grammars } from './answers/grammars.ts';
import { GuessedBefore } from './answers/guesses.ts';
import { type ModelFiles, readModelFiles } from './runtime/model-files.ts';
import { Runtime } from './runtime/runtime.ts';

/**
 * A model ready to be asked. Headers and tokenizer are read at once; weights are loaded by the first question,
 * after its prompt has been found to fit.
 */
export class Engine implements Answerer {
  readonly files: ModelFiles;
  readonly takes = 'patches';
  readonly #options: EngineOptions;
  readonly #runtime: Runtime;
  readonly #grammars: Grammars;
  readonly #guessedBefore: GuessedBefore | undefined;
  readonly #abort = new AbortFlag();

  constructor(files: ModelFiles, options: EngineOptions) {
    this.files = files;
    this.#options = options;
    this.#grammars = new Grammars(files.tekken);
    this.#guessedBefore = options.speculate === true ? new GuessedBefore() : undefined;
    this.#runtime = new Runtime(files, { options, abort: this.#abort });
  }

  get image(): GridConfig {
    return this.files.image;
  }

  get maxImageTokens(): number {
    return this.files.decoder.trainedContext;
  }

  get decisionTemplate(): string {
    return this.files.decisionTemplate;
  }

  get tellsSchema(): boolean {
    return this.files.tekken.settings?.jsonSchema === true;
  }

  /** Questions that can be in work at once, if memory allows. */
  get mostAtOnce(): number {
    return mostSequences(this.#options);
  }

  /**
   * Answers the last user message. Yields stages, text as it comes, and the whole answer at the end.
   * Stops within a graph node of `signal` firing and throws its reason.
   */
  async *ask(question: Question, signal?: AbortSignal): AsyncGenerator<EngineEvent, void> {
    for await (const { event } of this.answer(only({ item: undefined, question }), { signal })) {
      if (event?.kind === 'failed') throw event.error;
      if (event) yield event;
    }
  }

  /**
   * Answers many questions, several at once. Yields for each what `ask` does, or that it failed, and goes on.
   * After `stop` has fired none is begun.
   */
  async *answer<T>(
    asked: AsyncIterable<Asked<T>>,
    { stop: noMore, signal }: Endings,
  ): AsyncGenerator<ItemEvent<T>, void> {
    const stop = (): void => this.#abort.set();
    signal?.addEventListener('abort', stop);
    try {
      signal?.throwIfAborted();
      this.#abort.clear();
      const { files } = this;
      const [runtime, options] = [this.#runtime, this.#options];
      const kept = { grammars: this.#grammars, guessedBefore: this.#guessedBefore };
      yield* answerQuestions(asked, { files, ...kept, runtime, options, stop: noMore, signal });
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Tokens of its prompt. @throws PixtralError `input` for what the model's version does not have */
  promptTokens(question: Question): number {
    return tokensOf(planQuestion(question, this.files.tekken).runs);
  }

  /** Loads the libraries, but no weights: whoever has many questions learns at once that none can be answered. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#runtime.start(signal);
  }

  /** Loads the weights too, and lets the decoder read them once: the first question finds everything in memory. */
  async warm(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#abort.set();
    signal.addEventListener('abort', stop);
    try {
      await this.#runtime.warm(signal);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    await this.#runtime.close();
  }
}

/** Reads and checks the model's files; no weights are loaded yet. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { trace } = options;
  return new Engine(await traced({ trace, stage: 'model_files' }, () => readModelFiles(options)), options);
}

async function* only<T>(item: T): AsyncGenerator<T, void> {
  yield item;
}
