import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldNames, fillFields } from '../../src/prompt/fields.ts';

const fill = (template: string, values: Record<string, string>): string =>
  fillFields(template, { valueOf: (name) => values[name], missing: (name) => new Error(`no ${name}`) });

test('fields are told from places of pictures, from doubled braces and from JSON', () => {
  const template = 'is {name} {1}? {{name}} {{2}} {"a": 1} { name } {exif.date} {meta.a-b} {name}';
  assert.deepEqual(fieldNames(template), ['name', 'exif.date', 'meta.a-b']);
  assert.equal(
    fill(template, { name: 'x', 'exif.date': 'd', 'meta.a-b': 'm' }),
    'is x {1}? {name} {{2}} {"a": 1} { name } d m x',
  );
});

test('what is filled in is not read again', () => {
  assert.equal(fill('{caption}', { caption: '{path} {{1}} $& $1', path: 'secret' }), '{path} {{1}} $& $1');
});

test('a field without a value is its stand-in, or an error', () => {
  assert.equal(fill('by {author|an unknown hand}{x|}', {}), 'by an unknown hand');
  assert.equal(fill('by {author|nobody}', { author: 'me' }), 'by me');
  assert.throws(() => fill('by {author}', {}), /no author/);
});
