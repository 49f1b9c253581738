import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Waiting, commonStep } from '../../../src/engine/answers/common-step.ts';

const sure = (waiting: readonly number[]): Waiting[] => waiting.map((ids) => ({ ids, guesses: [] }));

const steps: [waiting: number[], taken: number[]][] = [
  [[7], [7]],
  [
    [4, 4],
    [4, 4],
  ],
  [
    [1, 5, 1, 2],
    [1, 2, 1, 2],
  ],
  [
    [1, 6, 1, 2],
    [1, 2, 1, 2],
  ],
  [
    [3, 2],
    [3, 2],
  ],
  [
    [1, 30, 1, 2],
    [1, 30, 1, 2],
  ],
  [
    [1, 1, 1, 1, 1, 1, 1, 3],
    [1, 1, 1, 1, 1, 1, 1, 1],
  ],
  [
    [2, 40],
    [2, 40],
  ],
];

for (const [waiting, taken] of steps) {
  test(`of ${waiting.join(', ')} ids that wait a step takes ${taken.join(', ')}`, () => {
    assert.deepEqual(commonStep(sure(waiting)), taken);
  });
}

test('some sequence draws after every step', () => {
  for (let seed = 1; seed < 200; seed++) {
    const waiting = Array.from({ length: 1 + (seed % 8) }, (_, at) => 1 + ((seed * 31 + at * at * 17) % 23));
    const taken = commonStep(sure(waiting));
    assert.ok(taken.every((count, at) => count >= 1 && count <= waiting[at]!));
    assert.ok(taken.some((count, at) => count === waiting[at]));
  }
});

const guessed: [likelihood: number, sequences: number, taken: number][] = [
  [0.05, 1, 1],
  [0.3, 1, 2],
  [0.95, 1, 13],
  [0.3, 8, 1],
  [0.95, 8, 5],
];

for (const [likelihood, sequences, taken] of guessed) {
  test(`of guesses that are right ${likelihood} times ${sequences} at once take ${taken - 1} each`, () => {
    const guesses = Array.from({ length: 12 }, (_, at) => likelihood ** (at + 1));
    const waiting = Array.from({ length: sequences }, () => ({ ids: 1, guesses }));
    assert.deepEqual(commonStep(waiting), Array.from<number>({ length: sequences }).fill(taken));
  });
}
