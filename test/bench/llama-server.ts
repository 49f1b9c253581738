import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { endGroup, spawnTied } from './run-command.ts';

export interface LlamaServer {
  url: string;
  /** Leads a group of its own. */
  pid: number;
  /** From the start of the process until it takes requests, its own warm-up included. */
  startSeconds: number;
  /** Body of an OpenAI chat completion in, the answer's body out. @throws for any status but 200 */
  complete(body: object): Promise<unknown>;
  /** The same as it comes, event by event, until the signal fires. @throws for any status but 200 */
  stream(body: object, signal: AbortSignal): AsyncGenerator<unknown, void>;
  close(): Promise<void>;
}

/** More for the 12B weights on a cold disk would be a server that hangs. */
const startLimitSeconds = 300;

/** Starts `llama-server` on a free port of this machine. */
export async function startLlamaServer(words: readonly string[]): Promise<LlamaServer> {
  const start = performance.now();
  const port = await freePort();
  const child = spawnTied([...words, '--host', '127.0.0.1', '--port', String(port)]);
  let log = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-2000)));
  }
  const closed = once(child, 'close');
  const close = async (): Promise<void> => {
    endGroup(child, 'SIGKILL'); // it has nothing to save
    await closed;
  };
  const url = `http://127.0.0.1:${port}`;
  while (!(await isReady(url))) {
    const isOver = child.exitCode !== null || performance.now() - start > startLimitSeconds * 1000;
    if (isOver) {
      await close();
      throw new Error(`${words.join(' ')} did not start: ${log}`);
    }
    await setTimeout(20);
  }
  const startSeconds = (performance.now() - start) / 1000;
  return {
    url,
    pid: child.pid!,
    startSeconds,
    complete: (body) => complete(url, body),
    stream: streamFrom(url),
    close,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).status === 200;
  } catch {
    return false; // does not listen yet
  }
}

function post(url: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

function streamFrom(url: string): LlamaServer['stream'] {
  return async function* stream(body, signal) {
    try {
      const response = await post(url, { ...body, stream: true }, signal);
      if (response.status !== 200 || !response.body) throw new Error(`llama-server: ${response.status}`);
      let text = '';
      for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (text + bytes).split('\n');
        text = lines.pop()!;
        for (const line of lines) if (line.startsWith('data: {')) yield JSON.parse(line.slice(6));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
}

async function complete(url: string, body: object): Promise<unknown> {
  const response = await post(url, body);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`llama-server: ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}
