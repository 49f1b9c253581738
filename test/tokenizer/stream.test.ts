import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { textStream } from '../../src/tokenizer/stream.ts';
import { tekken } from '../helpers/tekken.ts';

const pixtral = tekken();

test('half a character is held back until it is whole', () => {
  const stream = textStream(pixtral);
  assert.deepEqual(
    [119685, 1153, 1130].map((id) => stream.push(id)),
    [' ', '', '🙂'],
  );
  assert.equal(stream.end(), '');
});

test('what never becomes whole ends as U+FFFD', () => {
  const stream = textStream(pixtral);
  stream.push(119685);
  stream.push(1153);
  assert.equal(stream.end(), '\ufffd');
});

test('a byte order mark in an answer is text', () => {
  const stream = textStream(pixtral);
  assert.equal(
    pixtral
      .encode('\ufeff')
      .map((id) => stream.push(id))
      .join('') + stream.end(),
    '\ufeff',
  );
});

test('the texts of a stream together are the decoded ids', () => {
  const id = fc.oneof(
    fc.integer({ min: 1000, max: 1255 }),
    fc.integer({ min: 0, max: 131071 }),
    fc.constantFrom(1, 2, 10),
  );
  fc.assert(
    fc.property(fc.array(id, { maxLength: 20 }), (ids) => {
      const stream = textStream(pixtral);
      assert.equal(ids.map((one) => stream.push(one)).join('') + stream.end(), pixtral.decode(ids));
    }),
    { numRuns: 500 },
  );
});
