import { PixtralError } from '../base/errors.ts';

/** Deeper values would overflow the stack of whoever walks or prints them. */
const maxNesting = 500;

/**
 * Refuses a JSON text of lists in lists without end: a grammar of any JSON allows them.
 * @throws PixtralError `input`
 */
export function checkNesting(json: string): void {
  let depth = 0;
  for (const [sign] of json.matchAll(/"(?:\\.|[^"\\])*"|[[{\]}]/g)) {
    if (sign === '{' || sign === '[') depth++;
    else if (sign === '}' || sign === ']') depth--;
    if (depth > maxNesting) {
      throw new PixtralError('input', `answer: is nested more than ${maxNesting} levels deep`, {
        hint: 'describe the answer with --schema',
      });
    }
  }
}
