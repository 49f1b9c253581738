import { PixtralError } from '../../base/errors.ts';
import type { Request } from '../context.ts';

const mostListed = 10_000;

/** A page of a list in OpenAI's form, by `limit` and `after`. */
export function listed(c: Request, all: readonly { id: string }[]): Response {
  const limit = Number(c.req.query('limit') ?? mostListed);
  if (!Number.isInteger(limit) || limit < 1 || limit > mostListed) {
    throw new PixtralError(
      'input',
      `limit: is ${c.req.query('limit')}, expected a whole number from 1 to ${mostListed}`,
    );
  }
  const after = c.req.query('after');
  const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  const data = all.slice(from, from + limit);
  return c.json({
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: from + data.length < all.length,
  });
}
