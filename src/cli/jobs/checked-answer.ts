import { PixtralError, reasonOf } from '../../base/errors.ts';
import { grammarAllows } from '../../grammar/grammar-allows.ts';
import { checkNesting } from '../../grammar/nesting.ts';
import { type Json, isObject } from '../../grammar/schema.ts';
import type { Answer } from '../../asking/events.ts';
import type { AskedForm } from './asked-form.ts';

/** What is wrong with a value by a schema, if anything is; made once for many answers. */
export type SchemaProblem = (schema: Json) => (value: Json) => string | undefined;

/**
 * An answer that another engine was to keep to a form, with its value: engines pass over what they do not know, so
 * it is checked whoever wrote it.
 * @throws PixtralError `input` for one that was cut or has another form
 */
export function checkedAnswer(
  answer: Answer,
  { asked, problemOf }: { asked: AskedForm; problemOf: SchemaProblem },
): Answer {
  const { text, finish, usage } = answer;
  if (finish !== 'stop') {
    throw new PixtralError('input', `answer: was cut after ${usage.completion} tokens, before it was whole`, {
      hint: 'raise --max-tokens, or ask for less: maxLength and maxItems in the schema set limits',
    });
  }
  const problem = formProblem(text, { asked, problemOf });
  if (typeof problem === 'string') {
    throw new PixtralError('input', `answer: ${problem}: ${JSON.stringify(text.slice(0, 80))}`, {
      hint: 'the engine that answered does not keep to the form: ask again, or ask another one',
    });
  }
  return 'data' in problem ? { ...answer, data: problem.data } : answer;
}

function formProblem(
  text: string,
  { asked, problemOf }: { asked: AskedForm; problemOf: SchemaProblem },
): string | { data: Json } | object {
  switch (asked.kind) {
    case 'choices':
      return asked.choices.includes(text) ? {} : `is none of the ${asked.choices.length} choices`;
    case 'grammar':
      return grammarAllows(asked.grammar, text) ? {} : 'is not what the grammar allows';
    case 'object':
    case 'schema': {
      const data = parsed(text);
      if (typeof data === 'string') return data;
      if (asked.kind === 'object') return isObject(data.data) ? data : 'is no JSON object';
      const problem = problemOf(asked.schema)(data.data);
      return problem === undefined ? data : `is not what the schema says: ${problem}`;
    }
    default:
      return asked satisfies never;
  }
}

function parsed(text: string): string | { data: Json } {
  try {
    checkNesting(text);
    return { data: JSON.parse(text) as Json };
  } catch (thrown) {
    return `is no JSON (${reasonOf(thrown)})`;
  }
}
