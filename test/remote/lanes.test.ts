import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { PixtralError } from '../../src/base/errors.ts';
import type { Connection } from '../../src/remote/connection.ts';
import { ServerFault } from '../../src/remote/fault.ts';
import type { FoundServer } from '../../src/remote/find-server.ts';
import { Lanes } from '../../src/remote/lanes.ts';

test('a server that was busy is asked again, also where a timer fires a moment before the time that it asked for', async () => {
  const all = Array.from({ length: 200 }, busyLanes);
  const { signal } = new AbortController();
  const taken = Promise.all(all.map((lanes) => lanes.take({ avoid: undefined, signal })));
  const done = new AbortController();
  const late = setTimeout(60_000, 'some never', { signal: done.signal }).catch(() => 'done');
  assert.notEqual(await Promise.race([taken, late]), 'some never');
  done.abort();
  for (const lanes of all) await lanes.close();
});

test('a server that came back as something else is the error of whoever asks next, also where nobody waited just then', async () => {
  const found = {
    connection: { address: { name: 'it' }, close: async () => {} } as Connection,
    server: {} as FoundServer,
  };
  const other = new PixtralError('usage', 'it has "other", it had "one": expected servers of one model');
  let isLookedFor = (): void => {};
  const looked = new Promise<void>((resolve) => (isLookedFor = resolve));
  const lanes = new Lanes([found], {
    find: async () => {
      isLookedFor();
      throw other;
    },
    concurrency: 1,
    patienceMilliseconds: 60_000,
    busyPatienceMilliseconds: 60_000,
    onNotice: () => {},
  });
  const { signal } = new AbortController();
  const place = await lanes.take({ avoid: undefined, signal });
  lanes.faulted(place, new ServerFault('unreachable', 'nobody answers'));
  await looked;
  await setTimeout(0);
  await assert.rejects(lanes.take({ avoid: undefined, signal }), other);
  await lanes.close();
});

/** Timers count whole milliseconds: these begin at all parts of one. */
function busyLanes(): Lanes {
  const found = { connection: { close: async () => {} } as Connection, server: {} as FoundServer };
  const lanes = new Lanes([found], {
    find: () => Promise.reject(new Error('is not looked for')),
    concurrency: 1,
    patienceMilliseconds: 60_000,
    busyPatienceMilliseconds: 60_000,
    onNotice: () => {},
  });
  const [lane] = lanes.all;
  lane!.inWork++;
  const start = performance.now();
  while (performance.now() - start < 0.13);
  lanes.faulted(
    { lane: lane!, isLeft: false, wasLast: false },
    new ServerFault('busy', 'come later', { waitMilliseconds: 100 }),
  );
  return lanes;
}
