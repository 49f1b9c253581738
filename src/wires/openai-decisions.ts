import type { Decided } from '../asking/events.ts';
import { optionsOf } from '../asking/decisions/question.ts';
import { decisionOf } from '../asking/decisions/decision.ts';

/** An answer of OpenAI's Decisions API (the Python client's `types/decision.py`), and beside it what each probability is worth. */
export function openAiDecision({ model, readings, usage }: Decided) {
  return {
    model,
    answers: readings.map((reading) => {
      const { name, type, choice, value, probabilities, mass, argmaxIsOption } = decisionOf(reading, {
        temperatures: {},
        unsure: 0,
      });
      const head = { name: reading.question.unnamed === true ? null : name, type };
      const worth = { mass, argmax_is_option: argmaxIsOption };
      if (type === 'predicate') return { ...head, probability: value, ...worth };
      const all = optionsOf(reading.question);
      const options = all.map((option) => option.value);
      const asGiven = (named: string): string | boolean => all[options.indexOf(named)]!.boolean ?? named;
      const confidence = Math.max(...Object.values(probabilities));
      if (type === 'choice') {
        return {
          ...head,
          choice: asGiven(choice),
          confidence,
          probabilities: options.map((option) => ({ value: asGiven(option), probability: probabilities[option]! })),
          ...worth,
        };
      }
      const levels = options.map((label, level) => ({ label, value: level + 1, probability: probabilities[label]! }));
      const score = levels.reduce((sum, level) => sum + level.value * level.probability, 0);
      return { ...head, score, confidence, probabilities: levels, ...worth };
    }),
    usage: {
      input_tokens: usage.prompt,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: 0,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.prompt,
    },
  };
}
