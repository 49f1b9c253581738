import { ConstrainedSampler } from '../../decoder/constrained-sampler.ts';
import { logProbabilities } from '../../decoder/log-probabilities.ts';
import type { DecoderModel } from '../../decoder/model.ts';
import { Sampler } from '../../decoder/sampler.ts';
import type { Sequence } from '../../decoder/sequence.ts';
import type { AnswerFormat } from '../../grammar/answer-format.ts';
import { type Field, jsonFields, wholeField } from '../../grammar/fields.ts';
import { checkNesting } from '../../grammar/nesting.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';
import type { Answer, AskOptions } from '../../asking/events.ts';
import type { AnswerGuide } from './answer-matcher.ts';
import { type Beginning, type Marks, Phases } from './phases.ts';
import { ForcedSpelling } from './forced-spelling.ts';
import { tokenLog } from './token-log.ts';

export type AnswerDetails = Pick<Answer, 'logprobs' | 'confidence' | 'alternatives'>;

/** Tokens of an answer. */
export interface Drawn {
  ids: readonly number[];
  /** Nothing but the end may follow. */
  isWhole: boolean;
}

/** Where an answer's tokens come from. */
interface TokenSource {
  /** One that is drawn from the logits of the sequence, and what must come after it; at most `most`. */
  next(sequence: Sequence, most: number): Drawn;
  /** What of `next` can be done in a thread of its own, of all tokens but an answer's first. */
  drawAhead(sequence: Sequence): Promise<void>;
  /** What `--logprobs` tells about the answer. */
  details(text: string, finish: Answer['finish']): AnswerDetails;
  close(): void;
}

/** Of a field that is as sure as this nothing else is told. */
const sure = 0.999;
interface SourceOptions {
  model: DecoderModel;
  tekken: Tekken;
  /** What may come; undefined where anything may. */
  matcher: AnswerGuide | undefined;
  marks: Marks;
  beginning: Beginning;
}

/** Bytes that are looked ahead at once. */
const forcedReach = 2048;

/** Draws freely, or what a format's grammar allows; keeps log-probabilities where they are asked for. */
export function tokenSource(
  options: AskOptions,
  { model, tekken, matcher, marks, beginning }: SourceOptions,
): TokenSource {
  const { format, logprobs: top, alternatives } = options;
  const endsText = (id: number): boolean => model.endsGeneration(id);
  const isLogged = top !== undefined || alternatives === true;
  const log = isLogged ? tokenLog(tekken, { top: top ?? 0, endsText }) : undefined;
  const constrained =
    matcher &&
    new ConstrainedSampler(model, { sampling: options, matcher, onAllowed: log && ((mask) => log.allowed(mask)) });
  const sampler = constrained ?? new Sampler(model, options);
  const spelling = matcher && new ForcedSpelling(tekken);
  const phases = new Phases(marks, beginning);
  const forced = (most: number): number[] => {
    if (!constrained || !matcher || !spelling || most === 0) return [];
    const ids = spelling.ids(matcher.forced(forcedReach)).slice(0, most);
    for (const id of ids) {
      constrained.append(id);
      if (phases.push(id) !== 'text') continue;
      spelling.push(id);
      log?.forced(id);
    }
    return ids;
  };
  const draw = (sequence: Sequence): number => {
    if (log) log.step(logProbabilities(model.logits.take(sequence.logits())));
    const id = sampler.sample(sequence);
    if (phases.push(id) !== 'text') return id; // log-probabilities are those of the text alone
    log?.chosen(id);
    spelling?.push(id);
    return id;
  };
  let begun = false;
  return {
    next: (sequence, most) => {
      const ids = begun ? [] : forced(most); // what must come after a token comes with it, and is known already
      begun = true;
      if (ids.length === 0) {
        const id = draw(sequence);
        ids.push(id);
        if (!endsText(id)) ids.push(...forced(most - 1));
      }
      return { ids, isWhole: matcher?.isFinished ?? false };
    },
    drawAhead: (sequence) => sampler.drawAhead(sequence),
    details: (text, finish) => {
      if (!log) return {};
      const bytes = new TextEncoder().encode(text);
      const fields = format && finish === 'stop' ? fieldsOf(format, { text, bytes }) : [];
      const confidence = log.confidence(fields, bytes);
      const unsure = alternatives === true ? fields.filter(({ pointer }) => confidence[pointer]! < sure) : [];
      return {
        ...(top !== undefined && { logprobs: log.logprobs() }),
        ...(fields.length > 0 && { confidence }),
        ...(unsure.length > 0 && {
          alternatives: Object.fromEntries(unsure.map((field) => [field.pointer, log.alternatives(field, bytes)])),
        }),
      };
    },
    close: () => sampler.close(),
  };
}

/** The parts of an answer that have a confidence of their own. */
function fieldsOf({ kind }: AnswerFormat, { text, bytes }: { text: string; bytes: Uint8Array }): Field[] {
  if (kind === 'choice') return [wholeField(bytes)];
  if (kind === 'text') return [];
  checkNesting(text);
  return jsonFields(bytes);
}
