import { timingSafeEqual, createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { MiddlewareHandler } from 'hono';
import { clientError, errorBody } from './error-body.ts';

export interface GuardOptions {
  /** Where the server listens. */
  host: string;
  /** Names, besides addresses and localhost, by which it may be called. */
  allowHosts: readonly string[];
  /** Origins of pages that may call it, `*` for all. */
  cors: readonly string[];
  apiKey: string | undefined;
}

/**
 * A page that someone looks at must not reach a server on their machine: neither under a name of the page's own that
 * leads here (DNS rebinding), nor as a request from another origin that the server did not allow. Paths that are open
 * want no key.
 */
export function guard(
  { host, allowHosts, cors, apiKey }: GuardOptions,
  isOpen: (path: string) => boolean,
): MiddlewareHandler {
  const names = new Set(['localhost', host.toLowerCase(), ...allowHosts.map((name) => name.toLowerCase())]);
  return async (context, next) => {
    const { req } = context;
    const refused = (status: 401 | 403, message: string, code?: string): Response =>
      context.json(errorBody(clientError(status, message, code), req.path), status);
    const called = hostName(req.header('host'));
    if (called === undefined || !(names.has(called) || isIP(called.replace(/^\[|\]$/g, '')) !== 0)) {
      return refused(403, `host ${called ?? 'missing'}: is not this server's name`);
    }
    const origin = req.header('origin');
    const isOwn = origin !== undefined && origin === new URL(req.url).origin;
    const isAllowed = origin !== undefined && (cors.includes('*') || cors.includes(origin));
    if (origin !== undefined && !isOwn && !isAllowed) {
      return refused(403, `origin ${origin}: is not allowed, see --cors`);
    }
    if (isAllowed) {
      context.header('Access-Control-Allow-Origin', origin);
      context.header('Vary', 'Origin');
      if (req.method === 'OPTIONS') {
        context.header('Access-Control-Allow-Methods', 'GET, POST, DELETE, OPTIONS');
        context.header('Access-Control-Allow-Headers', 'authorization, content-type, x-api-key, anthropic-version');
        return context.body(null, 204);
      }
    }
    const given = req.header('x-api-key') ?? bearer(req.header('authorization'));
    if (apiKey !== undefined && !isOpen(req.path) && !isSame(given, apiKey)) {
      return refused(401, 'the API key is missing or wrong', 'invalid_api_key');
    }
    await next();
    return undefined;
  };
}

/** Without its port. */
function hostName(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(header.toLowerCase())?.[1];
}

function bearer(header: string | undefined): string {
  return /^bearer (.*)$/i.exec(header ?? '')?.[1]?.trim() ?? '';
}

/** Takes as long for any key. */
function isSame(given: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(right));
}
