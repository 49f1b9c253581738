import type { Route } from '../context.ts';

/** For Prometheus. */
export const metrics: Route = {
  method: 'get',
  path: '/metrics',
  answer: (c, { queue, metrics: counted }) =>
    c.text(
      counted.text({
        requests_in_work: queue.inWork,
        requests_waiting: queue.waiting,
        resident_bytes: process.memoryUsage.rss(),
      }),
    ),
};
