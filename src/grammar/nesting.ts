import { PixtralError } from '../base/errors.ts';
import { isTooDeep, maxNesting } from '../base/nesting.ts';

/**
 * Refuses a JSON text of lists in lists without end: a grammar of any JSON allows them.
 * @throws PixtralError `input`
 */
export function checkNesting(json: string): void {
  if (!isTooDeep(json)) return;
  throw new PixtralError('input', `answer: is nested more than ${maxNesting} levels deep`, {
    hint: 'describe the answer with --schema',
  });
}
