import { optionsOf } from '../asking/decisions/question.ts';
import type { Decided } from '../asking/events.ts';
import { type Decision, decisionOf } from '../asking/decisions/decision.ts';

/**
 * An answer of `/v1/systemone` in vLLM's form (its `structured_decisions/protocol.py`), which TypeSafe's clients read too.
 * `confidence` is of the whole vocabulary: small where the model would say something else.
 */
export function systemOneAnswer({ model, readings, usage }: Decided, id: string) {
  const asked = readings.map((reading) => ({
    reading,
    decision: decisionOf(reading, { temperatures: {}, unsure: 0 }),
  }));
  return {
    id: `decision-${id}`,
    object: 'structured_decision',
    created: Math.floor(Date.now() / 1000),
    model,
    answers: Object.fromEntries(
      asked.map(({ reading, decision }) => [decision.name, answerOf(decision, optionsOf(reading.question))]),
    ),
    usage: { input_tokens: usage.prompt, output_tokens: 0 },
    diagnostics: Object.fromEntries(
      asked.map(({ decision: { name, mass, argmaxIsOption } }) => [
        name,
        { label_mass: mass, argmax_is_label: argmaxIsOption },
      ]),
    ),
  };
}

function answerOf(
  { type, choice, probabilities, mass }: Decision,
  options: ReturnType<typeof optionsOf>,
): Record<string, unknown> {
  const shares = options.map(({ value }) => probabilities[value]!);
  const confidence = Number((Math.max(...shares) * mass).toPrecision(6));
  switch (type) {
    case 'predicate':
      return { type: 'noul', noul: shares[0]!, probabilities, confidence };
    case 'choice':
      return { type, choice, probabilities, confidence };
    case 'score':
      return {
        type,
        score: Number(shares.reduce((sum, share, level) => sum + level * share, 0).toPrecision(6)),
        legend: Object.fromEntries(options.map(({ value, description = value }, level) => [level, description])),
        probabilities: Object.fromEntries(shares.entries()),
        confidence,
      };
    default:
      return type satisfies never;
  }
}
