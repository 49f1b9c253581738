import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherRows, patchOrder } from '../../src/vision/patch-order.ts';

test('without a merger patches stand in raster order', () => {
  const { raster, row, column } = patchOrder({ columns: 3, rows: 2, merge: 1 });
  assert.deepEqual([...raster], [0, 1, 2, 3, 4, 5]);
  assert.deepEqual([...row], [0, 0, 0, 1, 1, 1]);
  assert.deepEqual([...column], [0, 1, 2, 0, 1, 2]);
});

test('with a merger the four patches of a token stand together, and keep their own positions', () => {
  const { raster, row, column } = patchOrder({ columns: 4, rows: 2, merge: 2 });
  assert.deepEqual([...raster], [0, 1, 4, 5, 2, 3, 6, 7]);
  assert.deepEqual([...row], [0, 0, 1, 1, 0, 0, 1, 1]);
  assert.deepEqual([...column], [0, 1, 0, 1, 2, 3, 2, 3]);
});

test('rows are gathered by index', () => {
  const values = Float32Array.of(0, 1, 10, 11, 20, 21);
  assert.deepEqual([...gatherRows(values, Int32Array.of(2, 0), 2)], [20, 21, 0, 1]);
});
