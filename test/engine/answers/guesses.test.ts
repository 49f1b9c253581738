import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GuessedBefore, Guesses } from '../../../src/engine/answers/guesses.ts';

test('a text is guessed to go on as its prompt, or itself, did behind the same three ids the last time', () => {
  const guesses = new Guesses(new GuessedBefore(), [1, 2, 3, 4, 5, 1, 2, 3, 6, 7]);
  guesses.add([1, 2], 9);
  assert.deepEqual(guesses.ids, []);
  guesses.add([3], 9);
  assert.deepEqual(guesses.ids, [6, 7, 1, 2, 3]);
  guesses.add([9, 8, 1, 2, 3], 2);
  assert.deepEqual(guesses.ids, [9, 8]);
  guesses.add([4], 0);
  assert.deepEqual(guesses.ids, []);
});

test('an answer is guessed to go on as an earlier one did, once that has ended', () => {
  const before = new GuessedBefore();
  const [one, other] = [new Guesses(before, [1]), new Guesses(before, [1])];
  one.add([20, 21, 22, 23, 24], 9);
  other.add([20, 21, 22], 9);
  assert.deepEqual(other.ids, []);
  one.close();
  other.add([20, 21, 22], 9);
  assert.deepEqual(other.ids, [20, 21, 22], 'itself first');
  const third = new Guesses(before, [21, 22]);
  third.add([20, 21, 22], 9);
  assert.deepEqual(third.ids, [23, 24]);
});

test('guesses that were wrong are made less, and tried again in a while', () => {
  const before = new GuessedBefore();
  const guesses = new Guesses(before, [1, 2, 3, 4, 1, 2, 3]);
  guesses.add([4, 1, 2, 3], 4);
  const usual = guesses.likelihoods[0]!;
  for (let step = 0; step < 50; step++) guesses.learn({ tried: 2, right: 0 });
  const [least] = guesses.likelihoods;
  assert.ok(least! < 0.1 * usual);
  for (let step = 0; step < 500; step++) guesses.learn({ tried: 0, right: 0 });
  assert.ok(guesses.likelihoods[0]! > 0.5 * usual);
  for (let step = 0; step < 100; step++) guesses.learn({ tried: 2, right: 2 });
  assert.ok(guesses.likelihoods[1]! > 0.9);
});
