import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { schemaFormat } from '../../src/grammar/answer-format.ts';
import type { Json } from '../../src/grammar/schema.ts';
import { gbnfWriter, seededPick } from '../helpers/gbnf-writer.ts';

/** Fields as pydantic 2 and zod 4 write them: what `model_json_schema()` and `z.toJSONSchema()` print, unedited. */
const cases = ['pydantic', 'zod'].flatMap((maker) => {
  const path = new URL(`../../fixtures/schemas/${maker}.json`, import.meta.url);
  const schemas = JSON.parse(readFileSync(path, 'utf8')) as Record<string, Json>;
  return Object.entries(schemas).map(([name, schema]) => ({ what: `${maker}: ${name}`, schema }));
});

/** Checked at the end only: no grammar remembers what a list holds already. */
const verifiedOnly = ['pydantic: set', 'pydantic: frozenset', 'pydantic: unique'];

for (const { what, schema } of cases) {
  test(`${what}: accepted, and what its grammar writes is allowed`, () => {
    const { grammar } = schemaFormat(JSON.stringify(schema), 'test.json');
    const ajv = new Ajv2020({ strict: false, logger: false, multipleOfPrecision: 9 });
    addFormats.default(ajv);
    const validate = ajv.compile(schema as object);
    const write = gbnfWriter(grammar);
    const pick = seededPick(1);
    for (let count = 0; count < 200; count++) {
      const text = write(pick);
      const isValid = validate(JSON.parse(text));
      const isKnown = verifiedOnly.includes(what) && /NOT have duplicate/.test(ajv.errorsText(validate.errors));
      assert.ok(isValid || isKnown, `${text}: ${ajv.errorsText(validate.errors)}`);
    }
  });
}
