import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quickSums } from '../../src/native/quick-sums.ts';

/** Of `xxh128sum` 0.8. */
const ofNothing = '99aa06d3014798d86001c324468d497f';
const ofAbc = '06b05ab6733a618578af5f94892f3950';

test('sums are those of XXH128, in turns and in parts, and go on after they were asked for', async () => {
  const newSum = await quickSums();
  const [one, other, empty] = [newSum(), newSum(), newSum()];
  const bytes = Buffer.alloc(100_000, 'abcdefg');
  one.update(Buffer.from('a'));
  for (let at = 0; at < bytes.byteLength; at += 3001) {
    other.update(bytes.subarray(at, at + 3001));
    other.current();
    if (at === 3001) one.update(Buffer.from('b'));
  }
  one.update(Buffer.from('c'));
  assert.equal(empty.current(), ofNothing);
  assert.equal(one.current(), ofAbc);
  const whole = newSum();
  whole.update(bytes);
  assert.equal(other.current(), whole.current());
  whole.update(Buffer.from('a'));
  assert.notEqual(other.current(), whole.current());
});

test('it reads memory that threads share', async () => {
  const newSum = await quickSums();
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  shared.set(Buffer.from('abc'));
  const sum = newSum();
  sum.update(shared);
  assert.equal(sum.current(), ofAbc);
});
