import type { DecoderModel } from '../../decoder/model.ts';
import type { Sequence } from '../../decoder/sequence.ts';
import type { Matcher } from '../../grammar/matcher.ts';
import { textStream } from '../../tokenizer/stream.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';
import type { Answer, AskOptions } from '../../asking/events.ts';
import { stopWatch } from '../../asking/stop.ts';
import { LoopWatch } from './loop-watch.ts';
import { type AnswerDetails, tokenSource } from './token-source.ts';

interface AnswerWriterOptions {
  model: DecoderModel;
  tekken: Tekken;
  /** Of the format's grammar. */
  matcher: Matcher | undefined;
  /** Tokens that prompt and answer may have together. */
  contextSize: number;
}

export interface WrittenAnswer {
  text: string;
  finish: Answer['finish'];
  /** Tokens. */
  length: number;
  details: AnswerDetails;
}

/** One step of an answer. */
export interface Written {
  /** What is sure by it. */
  text: string;
  /** To be appended to the sequence before the next step, or the answer when it is whole. */
  next: readonly number[] | WrittenAnswer;
}

/**
 * Writes an answer token by token, with what a grammar leaves no choice about in one go: until `</s>`, a stop string, the
 * token limit or the end of the context, or until it says the same over and over.
 */
export class AnswerWriter {
  readonly #options: AskOptions & AnswerWriterOptions;
  readonly #source: ReturnType<typeof tokenSource>;
  readonly #characters: ReturnType<typeof textStream>;
  readonly #watch: ReturnType<typeof stopWatch>;
  readonly #loop: LoopWatch | undefined;
  #text = '';
  #length = 0;

  constructor(options: AskOptions & AnswerWriterOptions) {
    this.#options = options;
    this.#source = tokenSource(options, options);
    this.#characters = textStream(options.tekken);
    this.#watch = stopWatch(options.stop);
    const { onLoop = 'off' } = options;
    this.#loop = onLoop === 'off' ? undefined : new LoopWatch(options.tekken);
  }

  /** Draws tokens from the logits of the sequence, which holds the prompt and what was drawn before. */
  draw(sequence: Sequence): Written {
    const { model, maxTokens, contextSize } = this.#options;
    // The last token of an answer needs no place in the context.
    const most = Math.min(maxTokens - this.#length, contextSize + 1 - sequence.length);
    const { ids, isWhole } = this.#source.next(sequence, most);
    if (model.endsGeneration(ids[0]!)) return this.#end('stop');
    let written = '';
    let isLoop = false;
    for (const id of ids) {
      this.#length++;
      if (this.#loop?.push(id) === true) isLoop = true;
      const { text, stopped } = this.#watch.push(this.#characters.push(id));
      this.#text += text;
      written += text;
      if (stopped) return { text: written, next: this.#whole('stop-string') };
    }
    if (!isWhole && !isLoop && ids.length < most) return { text: written, next: ids };
    const last = this.#end(isWhole ? 'stop' : isLoop ? 'loop' : 'length');
    return { ...last, text: written + last.text };
  }

  /** Finds out what may come next, while the model reads what came. */
  lookAhead(): void {
    try {
      this.#options.matcher?.mask();
    } catch {
      // it will be thrown again where it is asked for
    }
  }

  close(): void {
    this.#source.close();
  }

  /** With what was held back, now that no more comes. */
  #end(finish: Answer['finish']): Written {
    const { text, stopped } = this.#watch.push(this.#characters.end());
    const rest = stopped ? text : text + this.#watch.end();
    this.#text += rest;
    return { text: rest, next: this.#whole(stopped ? 'stop-string' : finish) };
  }

  #whole(finish: Answer['finish']): WrittenAnswer {
    const text = this.#text;
    return { text, finish, length: this.#length, details: this.#source.details(text, finish) };
  }
}
