import { PixtralError } from '../base/errors.ts';
import { shortSchema } from '../grammar/short-schema.ts';

/** What is a mistake of usage on the command line is one of the input in a record or a request. @throws PixtralError `input` */
export function shortSchemaField(text: string, where: string): object {
  try {
    return shortSchema(text);
  } catch (thrown) {
    if (!(thrown instanceof PixtralError)) throw thrown;
    throw new PixtralError('input', thrown.message.replace(/^--schema/, where), { hint: thrown.hint });
  }
}
