import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Agent, openAgent } from '../../src/hub/agent.ts';
import { collectReply } from '../../src/remote/collect-reply.ts';
import { ServerFault, networkFault } from '../../src/remote/fault.ts';

type Handler = Parameters<Agent['dispatch']>[1];
type Controller = Parameters<NonNullable<Handler['onRequestStart']>>[0];
type Play = (handler: Handler, controller: Controller) => Promise<void>;

/** Longer than a busy machine stops a process. */
const stallMilliseconds = 500;
const terms = { name: 'it', stallMilliseconds };
const never = new AbortController().signal;

/** A connection on which `play` happens, and the reasons for which its request was ended. */
function agentOf(play: Play): { agent: Agent; ended: Error[] } {
  const ended: Error[] = [];
  const dispatch = (_: unknown, handler: Handler): boolean => {
    const controller = {
      abort(reason: Error) {
        if (ended.push(reason) === 1) handler.onResponseError?.(controller, reason);
      },
    } as unknown as Controller;
    void play(handler, controller);
    return true;
  };
  return { agent: { dispatch } as unknown as Agent, ended };
}

const ask = (agent: Agent, signal = never) =>
  collectReply(agent, { method: 'POST', path: '/', origin: 'http://it' }, { ...terms, signal });

test('an answer that is thought about for long and then comes at once is no drip', async () => {
  const { agent } = agentOf(async (handler, controller) => {
    handler.onRequestStart?.(controller, {});
    await setTimeout(2 * stallMilliseconds);
    handler.onResponseStart?.(controller, 200, { some: 'header' });
    for (const part of ['{"a":', '"é"}']) handler.onResponseData?.(controller, Buffer.from(part));
    handler.onResponseEnd?.(controller, {});
  });
  assert.deepEqual(await ask(agent), { status: 200, headers: { some: 'header' }, text: '{"a":"é"}' });
});

test('an answer that drips is a fault of its server, and its request is ended', async () => {
  const { agent, ended } = agentOf(async (handler, controller) => {
    handler.onRequestStart?.(controller, {});
    handler.onResponseStart?.(controller, 200, {});
    await setTimeout(2 * stallMilliseconds);
    handler.onResponseData?.(controller, Buffer.from(' '));
  });
  await assert.rejects(
    ask(agent),
    (thrown) => thrown instanceof ServerFault && thrown.message === 'it: its answer has no end after 0.5 s',
  );
  assert.equal(ended.length, 1);
});

test('whoever gives up while a request waits for a connection is told at once, and it is ended when it gets one', async () => {
  let begin = (): void => {};
  const { agent, ended } = agentOf(async (handler, controller) => {
    begin = () => handler.onRequestStart?.(controller, {});
  });
  const giving = new AbortController();
  const asked = ask(agent, giving.signal);
  const reason = new Error('nobody waits');
  giving.abort(reason);
  await assert.rejects(asked, reason);
  assert.deepEqual(ended, []);
  begin();
  assert.deepEqual(ended, [reason]);
  await assert.rejects(ask(agent, giving.signal), reason);
});

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const statuses: [answer: string, text: string | RegExp][] = [
  [`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}`, 'ok'],
  [`HTTP/1.1 199 Odd\r\n\r\n${ok}`, 'ok'],
  ['HTTP/1.1 204 No Content\r\n\r\n', ''],
  ['HTTP/1.1 101 Switching Protocols\r\n\r\n', /^its answer is none that HTTP allows here$/],
  ['HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', /^bad upgrade$/],
  ['HTTP/1.1 102 Processing\r\n\r\n', /^other side closed$/],
];

for (const [answer, text] of statuses) {
  test(`a server that answers ${answer.split('\r\n', 1)[0]} is told of, and waited for no longer`, async () => {
    const server = createServer((socket) => void socket.once('data', () => socket.end(answer))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const limits = { connectMilliseconds: 60_000, stallMilliseconds: 60_000 };
    const agent = await openAgent({ env: {}, connections: 1, ...limits });
    const asked = collectReply(
      agent,
      { method: 'POST', path: '/', origin: `http://127.0.0.1:${port}` },
      { name: 'it', stallMilliseconds: 60_000, signal: never },
    ).catch((thrown: unknown) => {
      throw networkFault(thrown, 'it');
    });
    try {
      if (typeof text === 'string') assert.equal((await asked).text, text);
      else await assert.rejects(asked, { message: text });
    } finally {
      await agent.destroy();
      server.close();
    }
  });
}
