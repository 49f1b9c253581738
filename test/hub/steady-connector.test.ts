import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type Http, openHttp } from '../../src/hub/http.ts';
import type { ReplyBody } from '../../src/hub/exchange.ts';

/** More than a socket takes at a time, and not a multiple of it. */
const sent = randomBytes(3_000_001);
let server: Server;
let http: Http;
let answers = 0;

before(async () => {
  server = createServer((request, response) => {
    answers++;
    if (request.url === '/hinted') response.writeEarlyHints({ link: '</a>; rel=preload' });
    if (request.url === '/cut') response.write(sent.subarray(0, 100_000), () => response.destroy());
    else response.end(request.url === '/empty' ? '' : sent);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  http = await openHttp({
    env: {},
    connections: 2,
    stallMilliseconds: 20_000,
    backoffMilliseconds: 1,
    rateLimit: undefined,
    userAgent: 'test/1',
    onRetry: () => undefined,
  });
});
after(async () => {
  await http.close();
  server.closeAllConnections();
  server.close();
});

const ask = (path: string, signal = new AbortController().signal) => {
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  return http.request(url, { method: 'GET', headers: {}, secret: undefined, follow: true, signal });
};

async function received(body: ReplyBody, turn: (part: Uint8Array) => Promise<void> | undefined): Promise<Buffer> {
  const parts: Buffer[] = [];
  await body.receive((part) => {
    parts.push(Buffer.from(part));
    return turn(part);
  });
  return Buffer.concat(parts);
}

test('bodies are what was sent, whether each part is taken at once, later, or the body a while after its headers', async () => {
  const later = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const turns = [() => undefined, later, () => Promise.resolve()];
  for (const path of ['/', '/hinted']) {
    const bodies = await Promise.all(
      turns.map(async (turn) => {
        const { body } = await ask(path);
        await later();
        return received(body, turn);
      }),
    );
    for (const [index, body] of bodies.entries()) assert.ok(body.equals(sent), `${path} ${index}`);
  }
  assert.equal((await received((await ask('/empty')).body, () => undefined)).byteLength, 0);
});

test('what the receiver throws ends an exchange, and the next one is whole', async () => {
  const { body } = await ask('/');
  await assert.rejects(
    received(body, () => {
      throw new Error('not wanted');
    }),
    /not wanted/,
  );
  const slow = (await ask('/')).body;
  await assert.rejects(
    received(slow, () => Promise.reject(new Error('cannot be kept'))),
    /cannot be kept/,
  );
  assert.ok((await received((await ask('/')).body, () => undefined)).equals(sent));
});

test('bodies that nobody wants do not hold their connections', async () => {
  for (let index = 0; index < 12; index++) (await ask('/')).body.giveUp();
  for (let index = 0; index < 12; index++) await (await ask(index % 2 === 0 ? '/' : '/empty')).body.passOver();
  assert.ok((await received((await ask('/')).body, () => undefined)).equals(sent));
});

test('a line that breaks and a signal are told, before the headers and after', async () => {
  await assert.rejects(received((await ask('/cut')).body, () => undefined));
  const early = new AbortController();
  early.abort(new Error('stopped early'));
  const before = answers;
  await assert.rejects(ask('/', early.signal), /stopped early/);
  assert.equal(answers, before);
  const late = new AbortController();
  const { body } = await ask('/', late.signal);
  await assert.rejects(
    received(body, () => {
      late.abort(new Error('stopped late'));
      return undefined;
    }),
    /stopped late/,
  );
});
