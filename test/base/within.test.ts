import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { within } from '../../src/base/within.ts';

test('a time that nobody holds ends all the same behind a collection of garbage', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const ended = once(within(new AbortController().signal, 300), 'abort');
  for (let times = 0; times < 3; times++) {
    await setTimeout(20);
    collect();
  }
  const done = new AbortController();
  const late = setTimeout(20_000, 'never', { signal: done.signal }).catch(() => 'done');
  assert.notEqual(await Promise.race([ended, late]), 'never');
  done.abort();
});

test('the outer signal ends it too', () => {
  const outer = new AbortController();
  const signal = within(outer.signal, 60_000);
  outer.abort(new Error('enough'));
  assert.equal((signal.reason as Error).message, 'enough');
});
