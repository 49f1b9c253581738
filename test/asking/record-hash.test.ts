import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SettledQuestion, recordHash } from '../../src/asking/record-hash.ts';
import { schemaFormat } from '../../src/grammar/answer-format.ts';

type Options = SettledQuestion['options'];
const options: Options = {
  maxTokens: 10,
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  repeatPenalty: 1,
  seed: 1,
  stop: [],
};
const pictures = { maxTiles: 1, maxPages: 1 } as unknown as Parameters<typeof recordHash>[1]['pictures'];
const hashOf = (changed: Partial<Options>): Promise<string> =>
  recordHash(
    {
      messages: [{ role: 'user', content: [{ kind: 'text', text: 'x' }] }],
      options: { ...options, ...changed },
      detail: 'full',
    },
    { job: 'j', pictures },
  );

test('what was answered before loops were noticed need not be asked again; another way to treat them is another question', async () => {
  const before = await hashOf({});
  assert.equal(await hashOf({ onLoop: 'stop' }), before);
  assert.equal(await hashOf({ onLoop: 'stop', tellSchema: undefined }), before);
  assert.notEqual(await hashOf({ onLoop: 'retry' }), before);
});

test('a schema that the model is told is part of the question, with its descriptions', async () => {
  const schema = (description: string) => schemaFormat(JSON.stringify({ type: 'string', description }), 's');
  const [one, other] = [schema('a town'), schema('a street')];
  assert.equal(await hashOf({ format: one }), await hashOf({ format: other, tellSchema: false }));
  const told = await hashOf({ format: one, tellSchema: true });
  assert.notEqual(told, await hashOf({ format: one }));
  assert.notEqual(told, await hashOf({ format: other, tellSchema: true }));
  assert.equal(await hashOf({ tellSchema: true }), await hashOf({}), 'without a schema there is nothing to tell');
});
