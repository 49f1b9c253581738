import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSelection, parseSelection, splitSelection } from '../../../src/image/sources/selection.ts';

test('pages, ranges and steps are told apart', () => {
  assert.deepEqual(parseSelection('2-5', 'a.pdf#2-5'), { kind: 'pages', ranges: [[2, 5]] });
  const ranges = [
    [1, 1],
    [3, 3],
    [7, 9],
  ];
  assert.deepEqual(parseSelection('1,3,7-9', 'a.pdf#1,3,7-9'), { kind: 'pages', ranges });
  assert.deepEqual(parseSelection('every=10', 'a.gif#every=10'), { kind: 'every', step: 10 });
});

test('only the last # of a word selects', () => {
  assert.deepEqual(splitSelection('a#b.pdf#2'), { at: 'a#b.pdf', fragment: '2' });
  assert.equal(splitSelection('a.pdf'), undefined);
  assert.equal(splitSelection('#note'), undefined);
  assert.deepEqual(['2-x', 'every=', 'section', 'page=3'].map(isSelection), [true, true, false, false]);
});

for (const [fragment, says] of Object.entries({
  '0': /count from 1/,
  '5-2': /page 5 comes after page 2/,
  '1-2-3': /"1-2-3" is no range/,
  '2-': /"" is no page number/,
  '1,': /"" is no page number/,
  x: /"x" is no page number/,
  'every=0': /count from 1/,
  'every=1.5': /"1.5" is no page number/,
  '9999999999': /is no page number/,
})) {
  test(`#${fragment} is refused with the ways to write it`, () => {
    const word = `report.pdf#${fragment}`;
    const message = new RegExp(`^report\\.pdf#.*${says.source}.*expected pages such as #2-5`);
    assert.throws(() => parseSelection(fragment, word), { code: 'usage', message });
  });
}
