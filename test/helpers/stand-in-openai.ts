import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong with a request for a completion. */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: string }
  /** The connection ends after so many bytes of the body. */
  | { cut: number }
  | { body: string }
  /** It never comes to an answer. */
  | { hang: true };

export interface SeenCompletion {
  body: Record<string, unknown>;
  authorization: string | undefined;
  /** Sizes of the pictures, in their order. */
  pictures: { width: number; height: number }[];
  /** The client went away before it was answered. */
  isLost: boolean;
}

export interface StandInOptions {
  ownedBy?: string;
  models?: string[];
  /** Of all routes: a key that must be sent. */
  key?: string;
  /** The text to a request. */
  answer?: (seen: SeenCompletion, count: number) => string;
  /** Fields of the completion beside the usual ones. */
  more?: (seen: SeenCompletion) => Record<string, unknown>;
  /** Fields of the answer's message beside its content, or in its place: thoughts, calls of tools. */
  message?: (seen: SeenCompletion, count: number) => Record<string, unknown>;
  usage?: Record<string, unknown>;
  /** Each request as it came. */
  onBody?: (text: string) => void;
  finish?: string;
  promptTokens?: number;
  milliseconds?: (count: number) => number;
  /** Before the answer of this number. */
  wait?: (count: number) => Promise<void> | undefined;
  /** What goes wrong with the completion of this number, from 1. */
  fault?: (count: number) => Fault | undefined;
  /** What goes wrong with a completion that asks for something. */
  faultOf?: (seen: SeenCompletion) => Fault | undefined;
  /** More answers than so many at once are refused with 429. */
  most?: number;
  routes?: Record<string, object>;
  tls?: { key: string; cert: string };
  port?: number;
  socketPath?: string;
}

/** An OpenAI-style server that does what a test wants. */
export interface StandIn {
  url: string;
  port: number;
  seen: SeenCompletion[];
  mostAtOnce: () => number;
  close: () => Promise<void>;
}

export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const { ownedBy = 'vllm', models = ['pixtral-12b'], key, routes = {}, tls, port = 0, socketPath } = options;
  const seen: SeenCompletion[] = [];
  let atOnce = 0;
  let most = 0;
  const send = (
    response: ServerResponse,
    status: number,
    value: unknown,
    headers: Record<string, string> = {},
  ): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof value === 'string' ? value : JSON.stringify(value));
  };
  const ending = new AbortController();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    const { authorization } = request.headers;
    if (key !== undefined && authorization !== `Bearer ${key}`) {
      return send(response, 401, { error: { message: 'Invalid key' } });
    }
    if (path === '/v1/models') {
      return send(response, 200, { object: 'list', data: models.map((id) => ({ id, owned_by: ownedBy })) });
    }
    if (routes[path]) return send(response, 200, routes[path]);
    if (path !== '/v1/chat/completions') return send(response, 404, { error: { message: `${path}: Not Found` } });
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part as Uint8Array);
    const text = Buffer.concat(parts).toString();
    options.onBody?.(text);
    const body = JSON.parse(text) as Record<string, unknown>;
    const one: SeenCompletion = { body, authorization, pictures: picturesIn(body), isLost: false };
    seen.push(one);
    const count = seen.length;
    response.on('close', () => (one.isLost = !response.writableFinished));
    atOnce++;
    most = Math.max(most, atOnce);
    try {
      if (options.most !== undefined && atOnce > options.most) {
        return send(response, 429, { error: { message: 'too many' } }, { 'retry-after': '0' });
      }
      await sleep(options.milliseconds?.(count) ?? 0, undefined, { signal: ending.signal });
      await options.wait?.(count);
      await complete(response, { one, count, options, send });
    } finally {
      atOnce--;
    }
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    void answer(request, response).catch((thrown: unknown) => {
      if (!ending.signal.aborted) throw thrown;
    });
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await once(socketPath === undefined ? server.listen(port, '127.0.0.1') : server.listen(socketPath), 'listening');
  const taken = socketPath === undefined ? (server.address() as AddressInfo).port : 0;
  return {
    url: socketPath === undefined ? `${tls ? 'https' : 'http'}://127.0.0.1:${taken}` : `unix:${socketPath}`,
    port: taken,
    seen,
    mostAtOnce: () => most,
    close: async () => {
      ending.abort();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Completing {
  one: SeenCompletion;
  count: number;
  options: StandInOptions;
  send: (response: ServerResponse, status: number, value: unknown, headers?: Record<string, string>) => void;
}

async function complete(response: ServerResponse, { one, count, options, send }: Completing): Promise<void> {
  const fault = options.faultOf?.(one) ?? options.fault?.(count);
  if (fault && 'hang' in fault) {
    await once(response, 'close');
    return;
  }
  if (fault && 'status' in fault) {
    return send(
      response,
      fault.status,
      fault.body ?? { error: { message: `stand-in says ${fault.status}` } },
      fault.headers,
    );
  }
  const text = options.answer?.(one, count) ?? `answer ${count}`;
  const reason = options.finish ?? 'stop';
  const tokens = options.promptTokens ?? 5 + pictureTokens(one);
  const usage = {
    prompt_tokens: tokens,
    completion_tokens: text.length,
    total_tokens: tokens + text.length,
    ...options.usage,
  };
  const more = options.more?.(one) ?? {};
  const message = { role: 'assistant', content: text, ...options.message?.(one, count) };
  const isStream = one.body['stream'] === true;
  const whole = isStream
    ? `${streamOf(message, { reason, usage, more })}data: [DONE]\n\n`
    : JSON.stringify({ choices: [{ index: 0, message, finish_reason: reason, ...more }], usage, ...more });
  const sent = fault && 'body' in fault ? fault.body : whole;
  response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' });
  if (fault && 'cut' in fault) {
    response.write(sent.slice(0, fault.cut));
    await sleep(10);
    response.destroy();
    return;
  }
  response.end(sent);
}

function streamOf(
  message: Record<string, unknown>,
  { reason, usage, more }: { reason: string; usage: object; more: object },
): string {
  const chunk = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
  const { role: _, content, ...first } = message; // thoughts come before the text
  const deltas = Object.entries({ ...first, content })
    .flatMap(([field, value]) => pieces(value).map((piece) => ({ [field]: piece })))
    .map((delta) => chunk({ choices: [{ index: 0, delta }] }));
  const end = chunk({ choices: [{ index: 0, delta: {}, finish_reason: reason, ...more }], ...more });
  return `${deltas.join('')}${end}${chunk({ choices: [], usage })}`;
}

/** A text word by word, calls with their arguments in two halves, what else there is at once. */
function pieces(value: unknown): unknown[] {
  if (typeof value === 'string') return value.split(/(?<= )/);
  if (!Array.isArray(value) || !value.some((one: object) => 'function' in one)) return [value];
  return (value as { function: { arguments: string } }[]).flatMap(({ function: called, ...call }, index) => {
    const { arguments: json, ...rest } = called;
    const half = json.length >> 1;
    return [
      [{ index, ...call, function: { ...rest, arguments: json.slice(0, half) } }],
      [{ index, function: { arguments: json.slice(half) } }],
    ];
  });
}

/** Patches of 16 pixels, a break behind each row. */
export function pictureTokens({ pictures }: Pick<SeenCompletion, 'pictures'>): number {
  return pictures.reduce((sum, { width, height }) => sum + (width / 16 + 1) * (height / 16), 0);
}

function picturesIn(body: Record<string, unknown>): SeenCompletion['pictures'] {
  return [...JSON.stringify(body['messages']).matchAll(/data:image\/png;base64,([^"]+)/g)].map(([, data]) => {
    const bytes = Buffer.from(data!, 'base64');
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  });
}
