import type { Route } from '../context.ts';

/** It tells nothing of anyone: a load balancer has no key. */
export const health: Route = { method: 'get', path: '/health', answer: (c) => c.json({ status: 'ok' }) };
