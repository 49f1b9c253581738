import { PixtralError } from '../base/errors.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import { checkNesting } from '../grammar/nesting.ts';
import type { Json } from '../grammar/schema.ts';
import type { Answer } from './events.ts';

/**
 * An answer of a format, with its value: whole or not at all.
 * @throws PixtralError `input` when the tokens did not suffice
 */
export function formatted(answer: Answer, format: AnswerFormat): Answer {
  if (answer.finish !== 'stop') {
    const { completion } = answer.usage;
    throw new PixtralError('input', `answer: was cut after ${completion} tokens, before it was whole`, {
      hint: 'raise --max-tokens (or --context), or ask for less: maxLength and maxItems in the schema set limits',
    });
  }
  if (format.kind !== 'json') return answer;
  checkNesting(answer.text);
  const data = JSON.parse(answer.text) as Json;
  const problem = format.problem(data);
  // The grammar writes what the schema allows, so this is a bug of ours.
  if (problem !== undefined) throw new Error(`the answer is not what the schema says: ${problem}: ${answer.text}`);
  return { ...answer, data };
}
