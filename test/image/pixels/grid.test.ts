import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { imageGrid } from '../../../src/image/pixels/grid.ts';
import { gridHashes, pixelsGolden } from '../../helpers/pixels.ts';

const { configs } = pixelsGolden();

/** As in fixtures/pixels.py. */
function* sizes(): Generator<{ width: number; height: number }> {
  let state = 1;
  const side = (limit: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1 + ((state >>> 16) % limit);
  };
  for (let index = 0; index < 100_000; index++) {
    const limit = [300, 5000, 20_000][index % 3]!;
    yield { width: side(limit), height: side(limit) };
  }
}

for (const [name, expected] of Object.entries(gridHashes())) {
  test(`100,000 sizes have mistral-common's grids with the image settings of ${name}`, () => {
    const pairs: number[] = [];
    for (const size of sizes()) {
      const { columns, rows } = imageGrid(size, configs[name]!);
      pairs.push(columns, rows);
    }
    const hash = createHash('sha256').update(new Uint8Array(Uint16Array.from(pairs).buffer));
    assert.equal(hash.digest('hex'), expected);
  });
}

test("sides are rounded half to even, as Python's round does", () => {
  const config = configs['pixtral-12b']!;
  assert.deepEqual(imageGrid({ width: 2048, height: 33 }, config), { columns: 64, rows: 1, width: 1024, height: 16 });
  assert.deepEqual(imageGrid({ width: 2048, height: 35 }, config), { columns: 64, rows: 2, width: 1024, height: 32 });
});

test('a side that would vanish keeps one row of patches', () => {
  assert.equal(imageGrid({ width: 1, height: 5000 }, configs['pixtral-12b']!).columns, 1);
});
