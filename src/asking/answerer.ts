import type { PictureForm } from '../image/decoder/decode.ts';
import type { GridConfig } from '../image/pixels/grid.ts';
import type { EngineEvent, Question, QuestionEvent } from './events.ts';

/** Something that brings a question; what brings none passes through in its place. */
export interface Asked<T> {
  item: T;
  question: Question | undefined;
}

export interface ItemEvent<T> {
  item: T;
  /** undefined: it brought no question. */
  event: QuestionEvent | undefined;
}

export interface Endings {
  /** Nothing is begun after it fires; what is in work is finished. */
  stop?: AbortSignal | undefined;
  signal?: AbortSignal | undefined;
}

/** Whoever answers questions: a model on this machine, or servers. */
export interface Answerer {
  /** How its model divides pictures. */
  readonly image: GridConfig;
  /** What it is given of a picture. */
  readonly takes: PictureForm;
  /** Ids that all pictures of a question may have together. */
  readonly maxImageTokens: number;
  /** How it is asked to decide where nothing else is asked for. */
  readonly decisionTemplate: string;
  /** Whether its model is told the schema of its answer. */
  readonly tellsSchema: boolean;
  /** Questions that can be in work at once. */
  readonly mostAtOnce: number;
  /** Answers the last user message. Yields stages, text as it comes, and the whole answer at the end. */
  ask(question: Question, signal?: AbortSignal): AsyncGenerator<EngineEvent, void>;
  /** Answers many questions, several at once. Yields for each what `ask` does, or that it failed, and goes on. */
  answer<T>(asked: AsyncIterable<Asked<T>>, endings: Endings): AsyncGenerator<ItemEvent<T>, void>;
  close(): Promise<void>;
}
