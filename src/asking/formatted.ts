import { PixtralError } from '../base/errors.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import { checkNesting } from '../grammar/nesting.ts';
import type { Json } from '../grammar/schema.ts';
import type { Answer } from './events.ts';

/**
 * An answer of a format, with its value: whole or not at all.
 * @throws PixtralError `input` when the tokens did not suffice, or said the same over and over
 */
export function formatted(answer: Answer, format: AnswerFormat): Answer {
  if (answer.finish === 'loop') {
    const { completion } = answer.usage;
    const end = JSON.stringify(answer.text.slice(-60));
    throw new PixtralError(
      'input',
      `answer: says the same over and over, and was stopped after ${completion} tokens: ${end}`,
      {
        hint: '--on-loop retry asks once more with a repeat penalty; maxLength and maxItems in the schema set limits',
      },
    );
  }
  if (answer.finish !== 'stop') {
    const { completion } = answer.usage;
    throw new PixtralError('input', `answer: was cut after ${completion} tokens, before it was whole`, {
      hint: 'raise --max-tokens (or --context), or ask for less: maxLength and maxItems in the schema set limits',
    });
  }
  if (format.kind !== 'json') return answer;
  const data = valueOf(answer.text);
  const problem = format.problem(data);
  if (problem !== undefined) {
    throw new PixtralError('input', `answer: is not what the schema says: ${problem}`, {
      hint: 'the grammar cannot keep the model to this, and a second try was no better: say it in the prompt too',
    });
  }
  return { ...answer, data };
}

/** Whether a whole answer breaks what no grammar keeps to, such as `uniqueItems`. */
export function isInvalid({ text, finish }: Pick<Answer, 'text' | 'finish'>, format: AnswerFormat): boolean {
  return finish === 'stop' && format.kind === 'json' && format.problem(valueOf(text)) !== undefined;
}

function valueOf(text: string): Json {
  checkNesting(text);
  return JSON.parse(text) as Json;
}
