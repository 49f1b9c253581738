import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Agent } from '../../src/hub/agent.ts';
import { collectReply } from '../../src/remote/collect-reply.ts';
import { ServerFault } from '../../src/remote/fault.ts';

type Handler = Parameters<Agent['dispatch']>[1];
type Controller = Parameters<NonNullable<Handler['onRequestStart']>>[0];
type Play = (handler: Handler, controller: Controller) => Promise<void>;

const stallMilliseconds = 50;
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
    (thrown) => thrown instanceof ServerFault && thrown.message === 'it: its answer has no end after 0.05 s',
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
