import { PixtralError } from '../base/errors.ts';
import { type AgentReply, openAgent } from '../hub/agent.ts';
import type { ServerAddress } from './address.ts';
import { ServerFault, ServerRefusal, networkFault } from './fault.ts';

export interface ConnectionOptions {
  env: Readonly<Record<string, string | undefined>>;
  key: string | undefined;
  /** Requests at the same time. */
  connections: number;
  /** A server that says nothing for so long has lost the request. */
  stallMilliseconds: number;
  userAgent: string;
}

export interface ServerReply {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: AgentReply['body'];
  /** Of one that keeps sending, and nothing of an answer. */
  stallMilliseconds: number;
}

/** Kept connections to one server. The key goes to its address and nowhere else: redirects are not followed. */
export interface Connection {
  readonly address: ServerAddress;
  get(route: string, signal: AbortSignal): Promise<ServerReply>;
  post(route: string, body: Uint8Array, signal: AbortSignal): Promise<ServerReply>;
  close(): Promise<void>;
}

const connectMilliseconds = 10_000;

/** @throws ServerFault, and PixtralError for what does not get better, from `get` and `post` */
export async function openConnection(address: ServerAddress, options: ConnectionOptions): Promise<Connection> {
  const { env, key, connections, stallMilliseconds, userAgent } = options;
  const { name, root, socketPath } = address;
  const agent = await openAgent({ env, connections, connectMilliseconds, stallMilliseconds, socketPath });
  const common = { 'user-agent': userAgent, ...(key !== undefined && { authorization: `Bearer ${key}` }) };

  const urls = new Map<string, URL>(); // a few, and made for each of many requests otherwise
  const urlOf = (route: string): URL => {
    const url = urls.get(route) ?? new URL(route, root);
    urls.set(route, url);
    return url;
  };

  async function request(
    route: string,
    {
      signal,
      ...how
    }: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: Uint8Array; signal: AbortSignal },
  ): Promise<ServerReply> {
    const { origin, pathname, search } = urlOf(route);
    let response: AgentReply;
    try {
      const headers = { ...common, ...how.headers };
      response = await agent.request({ ...how, origin, path: pathname + search, headers, signal });
    } catch (thrown) {
      signal.throwIfAborted();
      throw networkFault(thrown, name);
    }
    const { statusCode: status, headers, body } = response;
    if (status >= 300 && status < 400) {
      await body.dump();
      throw redirected(name, headers['location']);
    }
    return { status, headers, body, stallMilliseconds };
  }

  return {
    address,
    get: (route, signal) => request(route, { method: 'GET', headers: { accept: 'application/json' }, signal }),
    post: (route, body, signal) =>
      request(route, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal }),
    close: () => agent.destroy(),
  };
}

function redirected(name: string, location: string | string[] | undefined): ServerRefusal {
  const to = typeof location === 'string' && URL.canParse(location, name) ? new URL(location, name) : undefined;
  return new ServerRefusal(
    'machine',
    `${name}: redirects${to ? ` to ${to.origin}${to.pathname}` : ''}, expected an answer`,
    {
      hint: 'pictures and keys are sent only to the address that was given: give --server the one it leads to, if you trust it',
    },
  );
}

/** More is no answer of a language model. */
const maxReplyBytes = 64 * 2 ** 20;

/** All of a reply. @throws ServerFault when it is cut short or drips, PixtralError `machine` when it has no end */
export async function wholeReply(
  { body, stallMilliseconds }: ServerReply,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<string> {
  const start = performance.now();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of replyParts(body, { name, signal })) {
    length += part.byteLength;
    if (performance.now() - start > stallMilliseconds) {
      throw new ServerFault('failed', `${name}: its answer has no end after ${stallMilliseconds / 1000} s`);
    }
    if (length > maxReplyBytes) {
      throw new PixtralError('machine', `${name}: answers with over ${maxReplyBytes / 2 ** 20} MiB`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** The bytes of a reply as they come. @throws ServerFault when it is cut short */
export async function* replyParts(
  body: ServerReply['body'],
  { name, signal }: { name: string; signal: AbortSignal },
): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const part of body) yield part as Uint8Array;
  } catch (thrown) {
    signal.throwIfAborted();
    throw networkFault(thrown, name);
  }
}
