import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Selection } from '../../../src/image/sources/selection.ts';
import { selectedPages } from '../../../src/image/sources/selected-pages.ts';

const select = (selection: Selection | undefined, pageCount: number): number[] =>
  selectedPages(selection, { name: 'x.pdf', pageCount, maxPages: 5 });
const pages = (...ranges: [number, number][]): Selection => ({ kind: 'pages', ranges });

test('without a selection all pages are read', () => {
  assert.deepEqual(select(undefined, 3), [1, 2, 3]);
});

test('pages come in the order in which they are asked for', () => {
  assert.deepEqual(select(pages([4, 5], [1, 1]), 9), [4, 5, 1]);
});

test('every tenth frame begins with the first', () => {
  assert.deepEqual(select({ kind: 'every', step: 10 }, 31), [1, 11, 21, 31]);
});

test('a page that is not there is named', () => {
  assert.throws(() => select(pages([2, 7]), 3), {
    code: 'input',
    message: 'x.pdf: has 3 pages, expected page 7 to be among them',
  });
  assert.throws(() => select(pages([2, 2]), 1), { message: 'x.pdf: has 1 page, expected page 2 to be among them' });
  assert.throws(() => select(pages([0, 1]), 3), { message: /expected page 0/ });
});

test('more pages than the limit are refused with a way to choose', () => {
  assert.throws(() => select(undefined, 12), {
    code: 'input',
    message: 'x.pdf: 12 pages to read, expected at most 5',
    hint: "choose some: '#1-5' or '#every=3' after its name",
  });
  assert.throws(() => select(pages([1, 2_000_000_000]), 2_000_000_000), { message: /expected at most 5/ });
});
