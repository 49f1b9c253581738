import { PixtralError } from '../../base/errors.ts';
import { type DecisionQuestion, type LabelStyle, optionsOf } from '../../asking/decisions/question.ts';
import { spellings } from '../../asking/decisions/spellings.ts';

/** What is asked of all pictures is refused at once; a record's own question fails alone. @throws PixtralError `usage` */
export function checkSpellings(questions: readonly DecisionQuestion[], labels: LabelStyle): void {
  if (labels === 'letters') return;
  for (const question of questions) {
    const taken = new Map<string, string>();
    for (const { value } of optionsOf(question)) {
      for (const spelling of spellings(value)) {
        const other = taken.get(spelling) ?? value;
        if (other !== value) {
          throw new PixtralError(
            'usage',
            `question ${question.name}: options ${JSON.stringify(other)} and ${JSON.stringify(value)}: are spelled alike, expected different ones`,
            { hint: 'capitals make no difference; --labels letters tells them apart' },
          );
        }
        taken.set(spelling, value);
      }
    }
  }
}
