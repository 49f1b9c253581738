import { type Trace, tracedNow } from '../../base/trace.ts';
import type { DecoderModel } from '../../decoder/model.ts';
import type { Sequence } from '../../decoder/sequence.ts';
import { readCalls } from '../../prompt/read-calls.ts';
import { textStream } from '../../tokenizer/stream.ts';
import type { ToolCall } from '../../prompt/message.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';
import type { Answer, AskOptions } from '../../asking/events.ts';
import { stopWatch } from '../../asking/stop.ts';
import { LoopWatch } from './loop-watch.ts';
import { type AnswerGuide, tracedGuide } from './answer-matcher.ts';
import { type Beginning, type Marks, Phases } from './phases.ts';
import { type AnswerDetails, tokenSource } from './token-source.ts';

interface AnswerWriterOptions {
  model: DecoderModel;
  tekken: Tekken;
  /** What may come; undefined where anything may. */
  matcher: AnswerGuide | undefined;
  marks: Marks;
  beginning: Beginning;
  /** Ids of the prompt with which the answer's calls begin. */
  begunCalls: readonly number[];
  /** Tokens that prompt and answer may have together. */
  contextSize: number;
  trace?: Trace | undefined;
}

export interface WrittenAnswer {
  text: string;
  finish: Answer['finish'];
  stopText: string | undefined;
  thoughts: string;
  calls: ToolCall[];
  /** Tokens, and those of them that are thoughts with their marks. */
  length: number;
  thoughtLength: number;
  details: AnswerDetails;
}

/** One step of an answer. */
export interface Written {
  /** What is sure by it. */
  text: string;
  thought: string;
  /** To be appended to the sequence before the next step, or the answer when it is whole. */
  next: readonly number[] | WrittenAnswer;
}

/**
 * Writes an answer token by token, with what a grammar leaves no choice about in one go: until `</s>`, a stop string, the
 * token limit or the end of the context, or until it says the same over and over. Its parts are told apart by their ids.
 */
export class AnswerWriter {
  readonly #options: AskOptions & AnswerWriterOptions;
  readonly #source: ReturnType<typeof tokenSource>;
  readonly #characters: ReturnType<typeof textStream>;
  readonly #watch: ReturnType<typeof stopWatch>;
  readonly #loop: LoopWatch | undefined;
  readonly #phases: Phases;
  readonly #callIds: number[];
  readonly #thinker: ReturnType<typeof textStream>;
  #text = '';
  #thoughts = '';
  #stopText: string | undefined;
  #length = 0;
  #thoughtLength = 0;

  constructor(options: AskOptions & AnswerWriterOptions) {
    this.#options = options;
    this.#source = tokenSource(options, { ...options, matcher: tracedGuide(options.matcher, options.trace) });
    this.#characters = textStream(options.tekken);
    this.#watch = stopWatch(options.stop);
    const { onLoop = 'off' } = options;
    this.#loop = onLoop === 'off' ? undefined : new LoopWatch(options.tekken);
    this.#phases = new Phases(options.marks, options.beginning);
    this.#callIds = [...options.begunCalls];
    this.#thinker = textStream(options.tekken);
  }

  /** Draws tokens from the logits of the sequence, which holds the prompt and what was drawn before. */
  draw(sequence: Sequence): Written {
    return tracedNow({ trace: this.#options.trace, stage: 'draw' }, () => this.#draw(sequence));
  }

  /** Finds out what may come next, while the model reads what came. */
  lookAhead(): void {
    const { matcher, trace } = this.#options;
    if (!matcher) return;
    try {
      tracedNow({ trace, stage: 'grammar_beside' }, () => matcher.mask());
    } catch {
      // it will be thrown again where it is asked for
    }
  }

  /** Draws beside other answers, each in a thread of its own, the token that `draw` tells. */
  async drawAhead(sequence: Sequence): Promise<void> {
    try {
      await this.#source.drawAhead(sequence);
    } catch {
      // it will be thrown again where the token is asked for
    }
  }

  close(): void {
    this.#source.close();
  }

  #draw(sequence: Sequence): Written {
    const { model, maxTokens, contextSize } = this.#options;
    // The last token of an answer needs no place in the context.
    const most = Math.min(maxTokens - this.#length, contextSize + 1 - sequence.length);
    const { ids, isWhole } = this.#source.next(sequence, most);
    if (model.endsGeneration(ids[0]!)) return this.#end('stop');
    let [text, thought] = ['', ''];
    let isLoop = false;
    for (const id of ids) {
      if (this.#loop?.push(id) === true) isLoop = true;
      const piece = this.#push(id);
      text += piece.text;
      thought += piece.thought;
      if (piece.stopped) return { text, thought, next: this.#whole('stop-string') };
    }
    if (!isWhole && !isLoop && ids.length < most) return { text, thought, next: ids };
    // An answer in a form is of no use when it is cut, and rows of JSON may be equal for long.
    const isCutLoop = this.#options.format !== undefined && this.#loop?.isMostlyLoop === true;
    const last = this.#end(isWhole ? 'stop' : isLoop || isCutLoop ? 'loop' : 'length');
    return { ...last, text: text + last.text, thought: thought + last.thought };
  }

  #push(id: number): { text: string; thought: string; stopped: boolean } {
    this.#length++;
    const before = this.#phases.part;
    const part = this.#phases.push(id);
    if (part === 'calls') this.#callIds.push(id);
    if (part === 'mark' || part === 'thinking') this.#thoughtLength++;
    if (part === 'text') {
      const { text, stop } = this.#watch.push(this.#characters.push(id));
      this.#stopText = stop;
      this.#text += text;
      return { text, thought: '', stopped: stop !== undefined };
    }
    const thought = part === 'thinking' ? this.#thinker.push(id) : before === 'thinking' ? this.#thinker.end() : '';
    this.#thoughts += thought;
    return { text: '', thought, stopped: false };
  }

  /** With what was held back, now that no more comes. */
  #end(finish: Answer['finish']): Written {
    const { text, stop } = this.#watch.push(this.#characters.end());
    const stopped = stop !== undefined;
    this.#stopText = stop;
    const thought = this.#thinker.end();
    const calls = this.#calls();
    const list = calls ? '' : this.#options.tekken.decode(this.#callIds); // what was to be calls is a text
    const rest = (stopped ? text : text + this.#watch.end()) + list;
    this.#text += rest;
    this.#thoughts += thought;
    return { text: rest, thought, next: this.#whole(stopped ? 'stop-string' : finish, calls) };
  }

  #calls(): ToolCall[] | undefined {
    return this.#callIds.length === 0 ? [] : readCalls(this.#callIds, this.#options.tekken);
  }

  #whole(finish: Answer['finish'], calls: ToolCall[] = []): WrittenAnswer {
    const text = this.#text;
    return {
      text,
      thoughts: this.#thoughts,
      calls,
      finish,
      stopText: this.#stopText,
      length: this.#length,
      thoughtLength: this.#thoughtLength,
      details: this.#source.details(text, finish),
    };
  }
}
