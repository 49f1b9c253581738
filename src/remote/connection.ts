import { PixtralError } from '../base/errors.ts';
import { type AgentReply, openAgent } from '../hub/agent.ts';
import type { ServerAddress } from './address.ts';
import { collectReply, replyText } from './collect-reply.ts';
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

/** One whose end has come. */
export interface WholeReply extends Pick<ServerReply, 'status' | 'headers'> {
  text: string;
}

/** Kept connections to one server. The key goes to its address and nowhere else: redirects are not followed. */
export interface Connection {
  readonly address: ServerAddress;
  get(route: string, signal: AbortSignal): Promise<WholeReply>;
  post(route: string, body: Uint8Array, signal: AbortSignal): Promise<WholeReply>;
  /** As it comes, which is more work for both. */
  stream(route: string, body: Uint8Array, signal: AbortSignal): Promise<ServerReply>;
  close(): Promise<void>;
}

const connectMilliseconds = 10_000;

/** @throws ServerFault, and PixtralError for what does not get better, from its requests */
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

  const optionsOf = (route: string, { headers, ...how }: How) => {
    const { origin, pathname, search } = urlOf(route);
    return { ...how, origin, path: pathname + search, headers: { ...common, ...headers } };
  };

  async function stream(route: string, how: How, signal: AbortSignal): Promise<ServerReply> {
    const response = await agent.request({ ...optionsOf(route, how), signal }).catch(faultAt(name, signal));
    const { statusCode: status, headers, body } = response;
    if (isRedirect(status)) {
      await body.dump();
      throw redirected(name, headers['location']);
    }
    return { status, headers, body, stallMilliseconds };
  }

  async function whole(route: string, how: How, signal: AbortSignal): Promise<WholeReply> {
    const terms = { name, stallMilliseconds, signal };
    const reply = await collectReply(agent, optionsOf(route, how), terms).catch(faultAt(name, signal));
    if (isRedirect(reply.status)) throw redirected(name, reply.headers['location']);
    return reply;
  }

  return {
    address,
    get: (route, signal) => whole(route, { method: 'GET', headers: { accept: 'application/json' } }, signal),
    post: (route, body, signal) => whole(route, posted(body), signal),
    stream: (route, body, signal) => stream(route, posted(body), signal),
    close: () => agent.destroy(),
  };
}

interface How {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: Uint8Array;
}

function posted(body: Uint8Array): How {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body };
}

function faultAt(name: string, signal: AbortSignal): (thrown: unknown) => never {
  return (thrown) => {
    signal.throwIfAborted();
    throw thrown instanceof ServerFault || thrown instanceof PixtralError ? thrown : networkFault(thrown, name);
  };
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
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

/** All of a reply. @throws ServerFault when it is cut short or drips, PixtralError `machine` when it has no end */
export async function wholeReply(
  { body, stallMilliseconds }: ServerReply,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<string> {
  const whole = replyText({ name, stallMilliseconds });
  for await (const part of replyParts(body, { name, signal })) whole.take(part);
  return whole.text();
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
