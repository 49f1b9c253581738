/**
 * A Hub whose answers are changed at random, to `pull`:
 *
 *   npm run attack:hub -- --count 1000 --seed 1
 *
 * What is pulled is what an honest Hub gives, byte by byte, or there is an error of ours, or it is still asked again after
 * some seconds, by design; nothing is written outside of pull's folders, and the token goes to the Hub alone.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PixtralError } from '../../src/base/errors.ts';
import { printable } from '../../src/output/printable.ts';
import { type Random, changed } from '../fuzz/mutate.ts';
import { checkpointFolder } from '../helpers/checkpoints.ts';
import { pullFine } from '../helpers/pulls.ts';
import { filesOf, startHub } from '../helpers/stand-in-hub.ts';
import { type Attempts, attack } from './attempts.ts';
import { hostileJson, oneOf } from './hostile-values.ts';

const repo = 'tiny/Mistral-Tiny';
const token = 'hf_of_nobody';
const patienceMilliseconds = 3000;
/** What the stand-in must not get from the connection to its proxy. */
const perConnection = ['host', 'connection', 'content-length', 'transfer-encoding'];
const folders = ['data', 'hf', 'models'];

await attack(import.meta.url, async (): Promise<Attempts> => {
  const honest = await startHub({ [repo]: { files: filesOf(checkpointFolder('mistral')) } });
  let random: Random = () => 1;
  let stolen = false;
  const other = await listening((request, response) => {
    stolen ||= request.headers.authorization !== undefined;
    response.end('x');
  });
  const proxy = await listening((request, response) => void relay(request, response).catch(() => response.destroy()));

  async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const given = Object.entries(request.headers).filter(([name]) => !perConnection.includes(name));
    const headers = given.map(([name, value]): [string, string] => [name, String(value)]);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = parts.length > 0 ? Buffer.concat(parts) : undefined;
    const { method = 'GET', url = '/' } = request;
    const target = url.startsWith('/cdn/') ? decodeURIComponent(url.slice(5)) : `${honest.endpoint}${url}`;
    const found = await fetch(target, { method, headers, redirect: 'manual', ...(body && { body }) });
    lie(response, {
      status: found.status,
      headers: Object.fromEntries(found.headers),
      body: Buffer.from(await found.arrayBuffer()),
      random,
      other: addressOf(other),
    });
  }

  const pull = async (root: string, signal = new AbortController().signal): Promise<string[]> => {
    await pullFine(repo, {
      endpoint: addressOf(proxy),
      root,
      type: 'q8_0',
      name: 'pulled',
      env: { HF_TOKEN: token },
      signal,
    });
    return sumsIn(join(root, 'models', 'pulled'));
  };
  const first = await mkdtemp(join(tmpdir(), 'pixtral-attack-'));
  const expected = (await pull(first)).join('\n');
  await rm(first, { recursive: true });
  return {
    async attempt(next) {
      const root = await mkdtemp(join(tmpdir(), 'pixtral-attack-'));
      try {
        random = next;
        const sums = (await pull(root, AbortSignal.timeout(patienceMilliseconds))).join('\n');
        if (sums !== expected) return { answered: 1, refused: 0, wrong: `pulled something else:\n${sums}` };
        return { answered: 1, refused: 0, ...(await around(root, stolen)) };
      } catch (thrown) {
        const isOurs = thrown instanceof PixtralError || (thrown as Error).name === 'TimeoutError';
        const said = thrown instanceof PixtralError ? `${thrown.message}${thrown.hint ?? ''}` : '';
        if (!isOurs || said.length > 3000) return { answered: 0, refused: 0, wrong: String((thrown as Error).stack) };
        if (said.includes(token)) return { answered: 0, refused: 0, wrong: `the token is told: ${printable(said)}` };
        return { answered: 0, refused: 1, ...(await around(root, stolen)) };
      } finally {
        await rm(root, { recursive: true });
      }
    },
    async close() {
      await honest.close();
      for (const server of [proxy, other]) server.close();
    },
  };
});

async function listening(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function around(root: string, stolen: boolean): Promise<{ wrong?: string }> {
  const more = (await readdir(root)).filter((name) => !folders.includes(name));
  if (more.length > 0) return { wrong: `written outside: ${more.join(', ')}` };
  return stolen ? { wrong: 'the token went elsewhere' } : {};
}

async function sumsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.gguf'));
  const sums = names.toSorted().map(async (name) => {
    const bytes = await readFile(join(folder, name));
    return `${name} ${createHash('sha256').update(bytes).digest('hex')}`;
  });
  return Promise.all(sums);
}

interface Answered {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  random: Random;
  /** Who must not get the token. */
  other: string;
}

/** One answer of thirty is not the Hub's: a pull asks about as often. */
function lie(response: ServerResponse, { status, headers, body, random, other }: Answered): void {
  const said = { status, headers: { ...headers }, body, cut: false };
  for (const name of ['connection', 'transfer-encoding', 'content-encoding', 'keep-alive']) delete said.headers[name];
  const { location } = said.headers;
  if (location?.startsWith('http') === true) said.headers['location'] = `/cdn/${encodeURIComponent(location)}`;
  const lies: (() => void)[] = [
    () => (said.body = Buffer.from(changed(body, { other: Buffer.from(oneOf(hostileJson, random)), random }))),
    () => (said.body = withHostileField(body, random)),
    () => (said.body = Buffer.from(oneOf(hostileJson, random))),
    () => (said.status = oneOf([200, 204, 206, 304, 400, 401, 403, 404, 416, 429, 500, 503], random)),
    () => Object.assign(said, { status: oneOf([301, 302, 307, 308], random), headers: { location: `${other}/x` } }),
    () => (said.headers['content-range'] = oneOf(['bytes 0-9/10', 'bytes */5', 'bytes 5-1/2', 'x'], random)),
    () => (said.headers['x-repo-commit'] = oneOf(['0'.repeat(40), '../..', 'x'.repeat(5000)], random)),
    () => (said.headers['x-linked-size'] = oneOf(['-1', '1e9', '99999999999999', 'x'], random)),
    () => (said.headers['etag'] = oneOf(['"x"', '""', `"${'0'.repeat(64)}"`], random)),
    () => (said.headers['link'] = `<${oneOf([`${other}/next`, '/loop', 'x'], random)}>; rel="next"`),
    () => (said.cut = true),
  ];
  if (random(30) === 0) oneOf(lies, random)();
  const length = said.body.byteLength;
  const hasBody = said.status !== 204 && said.status !== 304;
  response.writeHead(said.status, { ...said.headers, ...(hasBody && { 'content-length': length }) });
  if (!said.cut) return void response.end(hasBody ? said.body : undefined);
  response.write(said.body.subarray(0, Math.floor(length / 2)));
  response.destroy();
}

/** A text, number or list of the JSON in place of one of its values. */
function withHostileField(body: Buffer, random: Random): Buffer {
  const names = [
    '"../../escaped"',
    '"/escaped"',
    '"a\\u001b[2J"',
    '"..\\\\x"',
    '"consolidated.safetensors"',
    '-1',
    '1e15',
  ];
  const text = body.toString('latin1');
  const values = [...text.matchAll(/:("[^"]*"|\d+|true|false)/g)];
  const one = values[random(Math.max(1, values.length))];
  if (!one) return body;
  const value = random(2) === 0 ? oneOf(names, random) : oneOf(hostileJson, random);
  return Buffer.from(`${text.slice(0, one.index)}:${value}${text.slice(one.index + one[0].length)}`);
}
