import type { DecisionFilter } from './filter.ts';

/** What may be answered, and what it means where the word alone does not say it. */
export interface DecisionOption {
  value: string;
  description?: string | undefined;
  /** Whoever asked gave it as one, and is told it as one. */
  boolean?: boolean;
}

/** A question whose answer is a probability for each option; nothing is generated. */
export type DecisionQuestion = {
  name: string;
  /** Whoever asked gave it no name: it is called by its number. */
  unnamed?: true;
  /** The question in words. */
  instructions: string;
} & (
  | { type: 'predicate' }
  | { type: 'choice'; options: readonly DecisionOption[] }
  /** Ordered, the least first. */
  | { type: 'score'; levels: readonly DecisionOption[] }
);

/** How an option is named in the prompt and in the answer that the model would give. */
export type LabelStyle = 'words' | 'letters';

/** All questions about one picture. */
export interface Decisions {
  questions: readonly DecisionQuestion[];
  /** Of each question with options in its prompt: so many rotations of them are asked and averaged. */
  orders: number;
  labels: LabelStyle;
  /** `{question}` and `{options}` are filled in. */
  template: string;
  /** Questions are asked one after the other as it needs them; without it all of them are asked at once. */
  filter?: DecisionFilter | undefined;
}

/** As they are asked for: without a template the model's own is taken. */
export type AskedDecisions = Omit<Decisions, 'template'> & { template: string | undefined };

/** What was read of the model's distribution. */
export interface DecisionReading {
  question: DecisionQuestion;
  /** By option: of the options' common probability, the mean over the orders; sums to 1. */
  probabilities: readonly number[];
  /** Share of the whole vocabulary's probability that the options have: the rest wanted to say something else. */
  mass: number;
  /** The likeliest token at the answer's beginning begins an option. */
  argmaxIsOption: boolean;
  /** How far an option's probability moved at most between orders; undefined where one order was asked. */
  orderEffect: number | undefined;
}

/** Of `predicate` the one whose probability is told comes first. */
const yesNo: readonly DecisionOption[] = [{ value: 'yes' }, { value: 'no' }];

export function optionsOf(question: DecisionQuestion): readonly DecisionOption[] {
  switch (question.type) {
    case 'predicate':
      return yesNo;
    case 'choice':
      return question.options;
    case 'score':
      return question.levels;
    default:
      return question satisfies never;
  }
}
