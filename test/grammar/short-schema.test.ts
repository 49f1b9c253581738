import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemaFormat } from '../../src/grammar/answer-format.ts';
import { looksShort, shortSchema } from '../../src/grammar/short-schema.ts';

test('a line of names and types is the schema that it stands for', () => {
  const text = { type: 'string' };
  const object = (properties: object, required: string[]) => ({
    type: 'object',
    properties,
    required,
    additionalProperties: false,
  });
  const item = object({ name: text, price: { type: 'number' } }, ['name', 'price']);
  assert.deepEqual(
    shortSchema('shop, date?: date, total: number, items[]: {name, price: number}, paid: yes|no, tags[]'),
    object(
      {
        shop: text,
        date: { type: 'string', format: 'date' },
        total: { type: 'number' },
        items: { type: 'array', items: item },
        paid: { enum: ['yes', 'no'] },
        tags: { type: 'array', items: text },
      },
      ['shop', 'total', 'items', 'paid', 'tags'],
    ),
  );
});

test('what it stands for is a schema that can be kept to', () => {
  assert.doesNotThrow(() => schemaFormat(JSON.stringify(shortSchema('größe: integer, d: date-time')), 'x'));
});

for (const [text, says] of [
  ['a: nubmer', /character 10 .*there is no type nubmer/],
  ['a: {b', /expected a comma or \}/],
  ['a,, b', /character 3 .*expected the name of a field/],
  ['a, a', /the field a is there twice/],
  ['a: b c', /expected a comma or the end|there is no type b/],
  [`a: ${'{a: '.repeat(60)}`, /nested more than 50 deep/],
] as const) {
  test(`${text.slice(0, 20)} is refused with its place`, () => {
    assert.throws(() => shortSchema(text), { code: 'usage', message: says });
  });
}

test('a path is no short form', () => {
  for (const path of ['receipt.json', './a, b.json', 'C:\\a.json', '-', 'schema', '/dev/fd/63'])
    assert.equal(looksShort(path), false, path);
  for (const short of ['a, b', 'a: number', 'items[]: {a}', 'a?, b']) assert.equal(looksShort(short), true, short);
});
