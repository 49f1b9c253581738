import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cli as run } from '../helpers/cli.ts';

test('schema prints what a short form stands for, and refuses what cannot be read with exit code 2', async () => {
  const { stdout, exitCode } = await run(['schema', 'shop, total: number']);
  assert.equal(exitCode, 0);
  assert.deepEqual(JSON.parse(stdout), {
    type: 'object',
    properties: { shop: { type: 'string' }, total: { type: 'number' } },
    required: ['shop', 'total'],
    additionalProperties: false,
  });
  const wrong = await run(['schema', 'a: nubmer']);
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /there is no type nubmer/);
});
