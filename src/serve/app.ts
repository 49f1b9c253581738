import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { errnoOf } from '../base/errors.ts';
import { type Request, type ServeContext, onceClosed } from './context.ts';
import { type ErrorResponse, clientError, errorBody, errorResponse } from './error-body.ts';
import { type GuardOptions, guard } from './guard.ts';
import type { Lobby } from './lobby.ts';
import { routes } from './routes/registry.ts';

export interface AppOptions extends GuardOptions {
  context: ServeContext;
  lobby: Lobby;
  /** Of a body. */
  mostBytes: number;
  /** A line for the log: something failed that should not have. */
  onFailure: (thrown: unknown) => void;
}

/** All routes, and what stands before them. */
export function serveApp({ context, lobby, mostBytes, onFailure, ...guarding }: AppOptions) {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const { metrics } = context;
  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    metrics.request(c.req.routePath, c.res.status, (performance.now() - start) / 1000);
  });
  const open = new Set(routes.flatMap((route) => (route.open ? [route.path] : [])));
  app.use(guard(guarding, (path) => open.has(path)));
  for (const route of routes) {
    const { bodyBytes = mostBytes } = route;
    const tooLarge = clientError(413, `the body is over ${bodyBytes / 2 ** 20} MiB`);
    const counted = bodyLimit({ maxSize: bodyBytes, onError: (c) => refusal(c, tooLarge) });
    app[route.method](
      route.path,
      (c, next) => {
        const length = saidLength(c);
        if (length === undefined) return counted(c, next);
        return length > bodyBytes ? Promise.resolve(refusal(c, tooLarge)) : next();
      },
      (c) => {
        if (route.asks) enter(c, { lobby, bodyBytes });
        return route.answer(c, context);
      },
    );
  }
  app.notFound((c) => refusal(c, clientError(404, `${c.req.method} ${c.req.path}: there is no such route`)));
  app.onError((thrown, c) => {
    const told = errorResponse(thrown);
    if (told.status === 500 && !isBrokenOff(thrown)) onFailure(thrown);
    if (told.status === 429) c.header('Retry-After', '2');
    return refusal(c, told);
  });
  return app;
}

/**
 * Node reads no more than a request says, and nothing where it says nothing. Of a body in chunks the bytes are counted, for
 * which all of a web request is made first.
 */
function saidLength({ env: { incoming } }: Request): number | undefined {
  const { 'content-length': length, 'transfer-encoding': coding } = incoming.headers;
  return coding === undefined ? Number(length ?? 0) : undefined;
}

/** A client that goes away while its body is read is no failure of the server's. */
function isBrokenOff(thrown: unknown): boolean {
  return errnoOf(thrown) === 'ECONNRESET';
}

/** Until its answer is out or its client has gone. @throws TooBusy */
function enter(c: Request, { lobby, bodyBytes }: { lobby: Lobby; bodyBytes: number }): void {
  const length = Number(c.req.header('content-length') ?? bodyBytes);
  onceClosed(c, lobby.enter(length));
}

function refusal(c: Pick<Request, 'json' | 'req'>, told: ErrorResponse): Response {
  return c.json(errorBody(told, c.req.path), told.status);
}
