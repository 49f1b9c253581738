import { PixtralError } from '../../base/errors.ts';
import { type Route, readBody } from '../context.ts';

/** Ids of a text; control tokens typed in it stay text. */
export const tokenize: Route = {
  method: 'post',
  path: '/tokenize',
  async answer(c, { engine }) {
    const { content } = (await readBody(c)).record;
    if (typeof content !== 'string') throw new PixtralError('input', 'body: content: is no text, expected one');
    return c.json({ tokens: engine.files.tekken.encode(content) });
  },
};
