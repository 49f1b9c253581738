import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../helpers/fast-check.ts';
import { planTiles } from '../../../src/image/pixels/tiles.ts';

const image = { patchSize: 16, maxImageSize: 1024, spatialMergeSize: 1 };
const plan = (width: number, height: number, maxTiles = 12) => planTiles({ width, height }, { image, maxTiles });

test('a picture within the budget has no tiles', () => {
  assert.deepEqual(plan(1024, 1024), []);
  assert.deepEqual(plan(1, 1), []);
});

test('a scan of A4 at 300 dpi and a 4K screenshot are seen at full resolution in twelve tiles', () => {
  for (const tiles of [plan(2480, 3508), plan(3840, 2160)]) {
    assert.equal(tiles.length, 12);
    for (const { crop } of tiles) assert.ok(crop.width <= 1024 && crop.height <= 1024);
  }
});

test('tiles are named by their place, row by row', () => {
  assert.deepEqual(
    plan(1900, 2800).map(({ position }) => position),
    ['top left', 'top right', 'middle left', 'middle right', 'bottom left', 'bottom right'],
  );
  assert.deepEqual(
    plan(1980, 800).map(({ position }) => position),
    ['left', 'right'],
  );
  assert.equal(plan(3840, 2160)[1]!.position, 'top, column 2 of 4');
  assert.equal(plan(800, 4000)[1]!.position, 'row 2 of 5');
});

test('tiles are within the picture, cover it with an overlap, are at most so many, and no smaller than they must', () => {
  const side = fc.integer({ min: 1, max: 20_000 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 20 }), (width, height, maxTiles) => {
      const tiles = plan(width, height, maxTiles);
      if (Math.max(width, height) <= 1024 || maxTiles === 1) return assert.equal(tiles.length, 0);
      assert.ok(tiles.length <= maxTiles);
      assertCovered(
        tiles.map(({ crop }) => [crop.x, crop.width]),
        width,
      );
      assertCovered(
        tiles.map(({ crop }) => [crop.y, crop.height]),
        height,
      );
      assert.equal(new Set(tiles.map(({ crop }) => `${crop.x},${crop.y}`)).size, tiles.length);
    }),
  );
});

/** Along one side: from 0 to the end, each stretch beginning before the one before it ends. */
function assertCovered(stretches: [start: number, length: number][], length: number): void {
  const starts = [...new Set(stretches.map(([start]) => start))].sort((a, b) => a - b);
  const side = stretches[0]![1];
  assert.equal(starts[0], 0);
  assert.equal(starts.at(-1)! + side, length);
  for (const [index, start] of starts.slice(1).entries()) {
    const shared = starts[index]! + side - start;
    assert.ok(shared >= Math.floor(side / 16) - 1, `${shared} of ${side} shared`);
    assert.ok(shared <= side / 8 + 16 || side < 64, `${shared} of ${side} shared`);
  }
}

test('more tiles than allowed are larger instead, shrunk as little as the shape permits', () => {
  const tiles = plan(8000, 8000, 4);
  assert.equal(tiles.length, 4);
  assert.equal(tiles[0]!.crop.width, Math.ceil(8000 / (2 - 1 / 16)));
  assert.equal(plan(8000, 1000, 4).length, 4);
});
