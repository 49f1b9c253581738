import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonStep } from '../../../src/engine/answers/common-step.ts';

const steps: [waiting: number[], taken: number[]][] = [
  [[7], [7]],
  [
    [4, 4],
    [4, 4],
  ],
  [
    [1, 5, 1, 2],
    [1, 1, 1, 1],
  ],
  [
    [1, 6, 1, 2],
    [1, 6, 1, 1],
  ],
  [
    [3, 2],
    [2, 2],
  ],
  [
    [2, 40],
    [2, 40],
  ],
];

for (const [waiting, taken] of steps) {
  test(`of ${waiting.join(', ')} ids that wait a step takes ${taken.join(', ')}`, () => {
    assert.deepEqual(commonStep(waiting), taken);
  });
}

test('some sequence draws after every step', () => {
  for (let seed = 1; seed < 200; seed++) {
    const waiting = Array.from({ length: 1 + (seed % 8) }, (_, at) => 1 + ((seed * 31 + at * at * 17) % 23));
    const taken = commonStep(waiting);
    assert.ok(taken.every((count, at) => count >= 1 && count <= waiting[at]!));
    assert.ok(taken.some((count, at) => count === waiting[at]));
  }
});
