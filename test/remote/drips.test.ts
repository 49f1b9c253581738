import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type ServerReply, wholeReply } from '../../src/remote/connection.ts';
import { ServerFault } from '../../src/remote/fault.ts';
import { readStream } from '../../src/remote/read-stream.ts';

const stallMilliseconds = 50;

test('an answer of blanks that never ends is a fault of its server', { timeout: 60_000 }, async () => {
  const reply = { status: 200, headers: {}, body: drip(' '), stallMilliseconds } as unknown as ServerReply;
  const { signal } = new AbortController();
  await assert.rejects(wholeReply(reply, { name: 'it', signal }), fault(/^it: its answer has no end after 0.05 s$/));
});

test('so is a stream of nothing but comments; events keep it alive', { timeout: 60_000 }, async () => {
  const from = { name: 'it', stallMilliseconds };
  const comments = readStream(drip(': still there\n\n'), from);
  await assert.rejects(comments.next(), fault(/^it: has sent no part/));
  const parts = readStream(drip('data: 1\n\n'), { name: 'it', stallMilliseconds: 2000 });
  const seen: unknown[] = [];
  for await (const part of parts) if (seen.push(part) === 20) break;
  assert.equal(seen.length, 20);
});

function fault(message: RegExp): (thrown: Error) => boolean {
  return (thrown) => thrown instanceof ServerFault && thrown.kind === 'failed' && message.test(thrown.message);
}

async function* drip(text: string): AsyncGenerator<Uint8Array, never> {
  for (;;) {
    yield Buffer.from(text);
    await setTimeout(5);
  }
}
