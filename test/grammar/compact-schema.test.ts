import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compactSchema } from '../../src/grammar/compact-schema.ts';
import { shortSchema } from '../../src/grammar/short-schema.ts';
import type { Json } from '../../src/grammar/schema.ts';

const told: [schema: Json, text: string][] = [
  [
    shortSchema('shop, date?: date, total: number, paid: yes|no, items[]: {name, price: number}'),
    '{"shop": string, "date"?: date, "total": number, "paid": "yes" | "no", "items": [{"name": string, "price": number}, ...]}',
  ],
  [{ type: 'integer', minimum: 0, maximum: 9 }, 'integer 0..9'],
  [{ type: ['string', 'null'] }, 'string | null'],
  [
    { type: 'string', pattern: '^[A-Z]{3}$', description: 'of the\n  currency' },
    'string like /^[A-Z]{3}$/ (of the currency)',
  ],
  [
    {
      anyOf: [{ const: 1 }, { $ref: '#/$defs/Node' }],
      $defs: { Node: { type: 'object', properties: { next: { $ref: '#/$defs/Node' } } } },
    },
    '1 | Node\nNode = {"next"?: Node}',
  ],
  [{ type: 'object', additionalProperties: { type: 'number' } }, '{...: number}'],
  [{ prefixItems: [{ type: 'string' }, { type: 'number' }], items: false }, '[string, number]'],
  [true, 'any'],
];
for (const [schema, text] of told) {
  test(`a schema is told as ${text}`, () => assert.equal(compactSchema(schema), text));
}

test('whatever pydantic and zod write is told in fewer characters than it has', () => {
  for (const name of ['pydantic', 'zod']) {
    const file = new URL(`../../fixtures/schemas/${name}.json`, import.meta.url);
    for (const [what, schema] of Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, Json>)) {
      const text = compactSchema(schema);
      assert.ok(text.length > 0 && text.length <= JSON.stringify(schema).length, `${what}: ${text}`);
    }
  }
});
