import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeExactJson } from '../../src/base/exact-json.ts';
import { batchLines } from '../../src/serve/batches/batch-lines.ts';
import { formatMemo } from '../../src/wires/format-memo.ts';
import type { RequestContext } from '../../src/wires/request.ts';

const sampling = { maxTokens: 1, temperature: 0, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, seed: 0 };
const context: RequestContext = {
  defaults: { options: { ...sampling, stop: [] }, detail: 'full', formats: formatMemo() },
  template: undefined,
  sources: () => [],
  strict: true,
};

test('a schema reaches the model with its numbers and its order of keys as a line of a batch has them', async () => {
  const schema = '{"minimum": 1.0, "maximum": 9007199254740993, "type": "number"}';
  const format = `{"type":"json_schema","json_schema":{"name":"x","schema":${schema}}}`;
  const body = `{"model":"x","messages":[{"role":"user","content":"?"}],"response_format":${format}}`;
  const line = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":${body}}`;
  const { tasks, errors } = await batchLines(Buffer.from(line), { endpoint: '/v1/chat/completions', context });
  assert.deepEqual(errors, []);
  const { options } = await tasks[0]!.question();
  assert.equal(options.format?.kind, 'json');
  const told = options.format?.kind === 'json' ? writeExactJson(options.format.told()) : '';
  assert.equal(told, '{"minimum": 1.0, "maximum": 9007199254740993, "type": "number"}');
});
