import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evenCount, passesOf } from '../../src/decoder/even-call.ts';

const shares = (counts: Record<number, number>) =>
  Object.entries(counts).map(([id, count]) => ({ id: Number(id), count }));

const calls: [what: string, counts: Record<number, number>, passes: number, even: number | undefined][] = [
  ['one sequence', { 3: 40 }, 1, undefined],
  ['neighbours that are equally long', { 2: 1, 3: 1, 4: 1 }, 1, undefined],
  ['a gap of one', { 0: 1, 2: 1 }, 2, 1],
  ['a gap of five', { 0: 1, 6: 1 }, 2, 1],
  ['a gap of seven', { 0: 1, 8: 1 }, 2, undefined],
  ['two that differ a little', { 0: 5, 1: 1 }, 2, 5],
  ['one of eight that is longer', { 0: 1, 1: 1, 2: 1, 3: 5, 4: 1, 5: 1, 6: 1, 7: 1 }, 2, undefined],
  ['five questions', { 0: 11, 1: 12, 2: 13, 3: 14, 4: 12 }, 4, 14],
  ['five questions of which one is far longer', { 0: 11, 1: 12, 2: 13, 3: 60, 4: 12 }, 4, undefined],
];

for (const [what, counts, passes, even] of calls) {
  test(`${what}: passes over the weights, and to how many tokens they are made equal`, () => {
    assert.equal(passesOf(shares(counts)), passes);
    assert.equal(evenCount(shares(counts)), even);
  });
}
