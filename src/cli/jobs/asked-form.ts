import type { AnswerFormat } from '../../grammar/answer-format.ts';
import type { Json } from '../../grammar/schema.ts';

/** What an answer was asked to be, to be kept until it comes. */
export type AskedForm =
  | { kind: 'schema'; schema: Json }
  | { kind: 'object' }
  | { kind: 'choices'; choices: readonly string[] }
  | { kind: 'grammar'; grammar: string };

export function askedForm(format: AnswerFormat): AskedForm {
  switch (format.kind) {
    case 'json':
      return format.schema === undefined ? { kind: 'object' } : { kind: 'schema', schema: format.schema };
    case 'choice':
      return { kind: 'choices', choices: format.choices };
    case 'text':
      return { kind: 'grammar', grammar: format.grammar };
    default:
      return format satisfies never;
  }
}
