import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { networkReason, openAgent } from './agent.ts';
import { type Reply, exchange } from './exchange.ts';
import type { RateLimit } from './rate-limit.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface HttpOptions {
  env: Environment;
  /** At the same time. */
  connections: number;
  /** A server that sends nothing for so long is asked again. */
  stallMilliseconds: number;
  /** Before the second attempt; doubled before each further one. */
  backoffMilliseconds: number;
  rateLimit: RateLimit | undefined;
  userAgent: string;
  /** Told why something is asked for again. */
  onRetry: (reason: string) => void;
}

export interface HttpResponse extends Reply {
  /** Where it came from, after redirects. */
  url: URL;
}

export interface HttpRequest {
  method: 'GET' | 'HEAD';
  headers: Readonly<Record<string, string>>;
  /** Sent with `headers` to this origin and no other. */
  secret: { origin: string; authorization: string } | undefined;
  /** Whether redirects to another origin are followed; those within one always are. */
  follow: boolean;
  signal: AbortSignal;
}

/** Requests over kept connections, through the proxies that the environment names. */
export interface Http extends Pick<HttpOptions, 'stallMilliseconds' | 'backoffMilliseconds' | 'rateLimit' | 'onRetry'> {
  request(url: URL, request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

const maxRedirects = 10;

export async function openHttp(options: HttpOptions): Promise<Http> {
  const { connections, stallMilliseconds, env, userAgent } = options;
  const agent = await openAgent({
    env,
    connections: connections + 2,
    connectMilliseconds: stallMilliseconds,
    stallMilliseconds,
    isSteady: true,
  });

  async function once(url: URL, { method, headers, secret, signal }: HttpRequest): Promise<HttpResponse> {
    const authorization = secret?.origin === url.origin ? { authorization: secret.authorization } : {};
    const sent = { 'user-agent': userAgent, 'accept-encoding': 'identity', ...headers, ...authorization };
    return { url, ...asItIs(await exchange(agent, url, { method, headers: sent, signal }), url) };
  }

  return {
    ...options,
    async request(url, request) {
      let at = url;
      for (let hops = 0; hops <= maxRedirects; hops++) {
        const response = await once(at, request);
        const { location } = response.headers;
        if (response.status < 300 || response.status >= 400 || location === undefined) return response;
        const target = httpUrl(location, at);
        if (!request.follow && target.origin !== at.origin) return response;
        await response.body.passOver();
        at = target;
      }
      throw new PixtralError('machine', `${url.host}: redirects more than ${maxRedirects} times`);
    },
    close: () => agent.destroy(),
  };
}

/** Ranges and sums are of the bytes as they are. */
function asItIs(reply: Reply, { host }: URL): Reply {
  const coding = reply.headers['content-encoding'] ?? '';
  if (/^(identity)?$/i.test(coding)) return reply;
  reply.body.giveUp();
  throw new PixtralError('machine', `${host}: answers in Content-Encoding ${coding}, expected the bytes as they are`, {
    hint: 'a mirror or proxy on the way packs what it was told not to: try HF_ENDPOINT, or without the proxy',
  });
}

/** @throws PixtralError `machine` for an address that leads anywhere but to a web server */
export function httpUrl(location: string, base?: URL): URL {
  const url = URL.canParse(location, base?.href) ? new URL(location, base) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && base?.protocol !== 'https:')) return url;
  const where = base === undefined ? location : base.host;
  throw new PixtralError('machine', `${where}: leads to ${url?.protocol ?? 'no address'}, expected https:`);
}

/** Something that may go better next time. */
export class Passing extends Error {
  /** As the server asks. */
  readonly waitMilliseconds: number | undefined;

  constructor(
    message: string,
    { cause, waitMilliseconds }: { cause?: unknown; waitMilliseconds?: number | undefined } = {},
  ) {
    super(message, { cause });
    this.waitMilliseconds = waitMilliseconds;
  }
}

/** In a row, without one byte that is new. */
const maxAttempts = 8;
const longestWait = 60_000;
/** Of what a server may ask for. */
const longestAskedWait = 15 * 60_000;

/**
 * Tries until it goes well, with growing pauses, as long as what goes wrong is passing: timeouts, broken lines, 408,
 * 429 and 5xx.
 * @param attempt told how many went wrong in a row; `progress` starts that count anew
 * @throws PixtralError `machine` when it never does
 */
export async function patiently<T>(
  { where, http, signal }: { where: string; http: Http; signal: AbortSignal },
  attempt: (progress: () => void) => Promise<T>,
): Promise<T> {
  for (let failures = 0; ;) {
    try {
      return await attempt(() => (failures = 0));
    } catch (thrown) {
      signal.throwIfAborted();
      const passing = asPassing(thrown);
      if (!passing) throw thrown;
      failures++;
      if (failures >= maxAttempts) {
        throw new PixtralError('machine', `${where}: ${passing.message}, ${maxAttempts} times in a row`, {
          hint: 'check the network; the same command goes on from here',
          cause: thrown,
        });
      }
      http.onRetry(`${where}: ${passing.message}; trying again`);
      const backoff = Math.min(longestWait, http.backoffMilliseconds * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
      await pause(Math.max(backoff, Math.min(passing.waitMilliseconds ?? 0, longestAskedWait)), signal);
    }
  }
}

/** Refused names and certificates do not get better by trying; other faults of the network do. */
const lasting = /^(ENOTFOUND|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_INVALID)/;

function asPassing(thrown: unknown): Passing | undefined {
  if (thrown instanceof Passing) return thrown;
  if (thrown instanceof PixtralError) return undefined;
  const code = errnoOf(thrown);
  if (code === undefined) return undefined;
  refuseByProxy(thrown);
  if (!lasting.test(code)) return new Passing(networkReason(thrown), { cause: thrown });
  throw new PixtralError('machine', `cannot connect: ${reasonOf(thrown)}`, {
    hint: 'check the network, HF_ENDPOINT and HTTPS_PROXY',
    cause: thrown,
  });
}

/** What a proxy says instead of connecting gets no better by trying, unless it cannot reach who was asked for. */
function refuseByProxy(thrown: unknown): void {
  const status = Number(/^Proxy response \((4\d\d)\)/.exec(reasonOf(thrown))?.[1]);
  if (Number.isNaN(status) || status === 408 || status === 429) return;
  throw new PixtralError('machine', `cannot connect: the proxy answered ${status}`, {
    hint:
      status === 407
        ? 'it wants to know who asks: in HTTPS_PROXY write name, colon, password and @ before its host'
        : 'it does not let this address through: check HTTPS_PROXY, and NO_PROXY',
    cause: thrown,
  });
}

/** What a status means that has nothing to do with what was asked for. */
export function refusePassing({ status, headers, body }: Pick<HttpResponse, 'status' | 'headers' | 'body'>): void {
  if (status !== 408 && status !== 429 && status < 500) return;
  body.giveUp();
  throw new Passing(`the server answered ${status}`, { waitMilliseconds: retryAfter(headers['retry-after']) });
}

/** What a server asks for by `Retry-After`, seconds or a date, in milliseconds. */
export function retryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}

export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    }
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
