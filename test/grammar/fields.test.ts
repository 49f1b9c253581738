import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { jsonFields } from '../../src/grammar/fields.ts';
import { pointerStep } from '../../src/base/json-pointer.ts';

/** Pointers and values of the leaves, from the parsed value. */
function* leaves(value: unknown, pointer = ''): Generator<[string, string]> {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (inner.length === 0) yield [pointer, JSON.stringify(value)];
  for (const [name, one] of inner) yield* leaves(one, `${pointer}/${pointerStep(name)}`);
}

test('the bytes of every field are the text of its value', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1), (text, indent) => {
      const spaced = JSON.stringify(JSON.parse(text), undefined, indent);
      const bytes = Buffer.from(spaced);
      const found = jsonFields(bytes).map(({ pointer, start, end }) => [
        pointer,
        bytes.subarray(start, end).toString(),
      ]);
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(leaves(JSON.parse(spaced))));
    }),
  );
});

test('a number ends before what is no part of a number', () => {
  const [field] = jsonFields(Buffer.from('[12]'));
  assert.deepEqual([field!.start, field!.end], [1, 3]);
  assert.deepEqual(
    ['3', 'e', '.', ',', ']'].map((next) => field!.endsBefore(next.charCodeAt(0))),
    [false, false, false, true, true],
  );
});
