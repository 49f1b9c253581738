import type { Route } from '../context.ts';

export const health: Route = {
  method: 'get',
  path: '/health',
  open: true,
  answer: (c) => c.json({ status: 'ok' }),
};
