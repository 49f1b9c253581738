import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { PixtralError } from '../base/errors.ts';
import { type ServeContext, readBody } from './context.ts';
import { errorBody, errorResponse } from './error-body.ts';
import { type GuardOptions, guard } from './guard.ts';
import { chatCompletions } from './routes/chat-completions.ts';
import { decisions } from './routes/decisions.ts';

export interface AppOptions extends GuardOptions {
  context: ServeContext;
  /** Of a request. */
  maxBodyBytes: number;
  /** A line for the log: something failed that should not have. */
  onFailure: (thrown: unknown) => void;
}

/** All routes, and what stands before them. */
export function serveApp({ context, maxBodyBytes, onFailure, ...guarding }: AppOptions): Hono {
  const app = new Hono();
  const { engine, queue, metrics } = context;
  const started = Math.floor(Date.now() / 1000);
  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    metrics.request(c.req.routePath, c.res.status, (performance.now() - start) / 1000);
  });
  app.use(guard(guarding));
  const tooLarge = errorBody(`the body is over ${maxBodyBytes / 2 ** 20} MiB`, 'invalid_request_error');
  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: (c) => c.json(tooLarge, 413) }));

  app.post('/v1/chat/completions', (c) => chatCompletions(c, context));
  app.post('/v1/decisions', (c) => decisions(c, context));
  app.get('/v1/models', (c) =>
    c.json({
      object: 'list',
      data: [
        {
          id: engine.files.name,
          object: 'model',
          created: started,
          owned_by: 'pixtral',
          max_model_len: engine.maxImageTokens,
          pixtral: { image: engine.image },
        },
      ],
    }),
  );
  app.post('/tokenize', async (c) => {
    const { content } = (await readBody(c.req.raw)).record;
    if (typeof content !== 'string') throw new PixtralError('input', 'body: content: is no text, expected one');
    return c.json({ tokens: engine.files.tekken.encode(content) });
  });
  app.get('/health', (c) => c.json({ status: 'ok' }));
  app.get('/metrics', (c) => {
    const gauges = {
      requests_in_work: queue.inWork,
      requests_waiting: queue.waiting,
      resident_bytes: process.memoryUsage.rss(),
    };
    return c.text(metrics.text(gauges));
  });

  app.notFound((c) =>
    c.json(errorBody(`${c.req.method} ${c.req.path}: there is no such route`, 'invalid_request_error'), 404),
  );
  app.onError((thrown, c) => {
    const { status, body } = errorResponse(thrown);
    if (status === 500) onFailure(thrown);
    if (status === 429) c.header('Retry-After', '2');
    return c.json(body, status);
  });
  return app;
}
