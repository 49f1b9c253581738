import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldsOf } from '../../../src/asking/decisions/folds.ts';
import * as fc from '../../helpers/fast-check.ts';

test('examples that have nothing in common are dealt out one after the other', () => {
  const abouts = Array.from({ length: 12 }, (_, index) => [`picture ${index}`]);
  assert.deepEqual(foldsOf(abouts, 5), { folds: [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1], groups: 12 });
  assert.deepEqual(foldsOf([[], [], []], 5), { folds: [0, 1, 2], groups: 3 });
});

test('examples about the same picture are in one fold, also those that only a third one links', () => {
  const abouts = [['a'], ['b'], ['c'], ['a', 'b'], ['d'], ['c', 'e'], ['e']];
  assert.deepEqual(foldsOf(abouts, 3), { folds: [0, 0, 1, 0, 2, 1, 1], groups: 3 });
});

test('a large group fills a fold alone, and there are no more folds than groups', () => {
  const large = Array.from({ length: 6 }, () => ['large']);
  assert.deepEqual(foldsOf([...large, ['a'], ['b'], ['c'], ['d']], 3).folds, [0, 0, 0, 0, 0, 0, 1, 2, 1, 2]);
  assert.deepEqual(foldsOf([['a'], ['b'], ['a']], 5), { folds: [0, 1, 0], groups: 2 });
  assert.deepEqual(foldsOf([], 5), { folds: [], groups: 0 });
});

test('whatever examples have in common, nothing stands in two folds, and every fold has some', () => {
  const about = fc.array(fc.integer({ min: 0, max: 30 }).map(String), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(about, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (abouts, most) => {
      const { folds, groups } = foldsOf(abouts, most);
      const foldOf = new Map<string, number>();
      for (const [index, ones] of abouts.entries()) {
        for (const one of ones) {
          if (foldOf.has(one)) assert.equal(folds[index], foldOf.get(one));
          foldOf.set(one, folds[index]!);
        }
      }
      assert.equal(new Set(folds).size, Math.min(most, groups));
    }),
  );
});
