import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../src/asking/events.ts';
import { chatChoice, withFirstCalls } from '../../src/wires/openai-chat.ts';

const answer = (fields: Partial<Answer>): Answer => ({
  model: 'm',
  text: 'the the the',
  finish: 'stop',
  images: [],
  usage: { prompt: 1, image: 0, completion: 3 },
  timings: { load_ms: 0, image_ms: 0, encode_ms: 0, prefill_ms: 0, decode_ms: 0 },
  sampling: { temperature: 0, top_p: 1, top_k: 0, min_p: 0, repeat_penalty: 1, seed: 1 },
  ...fields,
});

test('an answer that said the same over and over was cut, to clients that know no other word; ours stands beside it', () => {
  const { finish_reason: reason, pixtral } = chatChoice(answer({ finish: 'loop' }), 0);
  assert.deepEqual([reason, pixtral], ['length', { finish: 'loop' }]);
  for (const [finish, told] of [
    ['stop', 'stop'],
    ['stop-string', 'stop'],
    ['length', 'length'],
  ] as const) {
    const choice = chatChoice(answer({ finish }), 0);
    assert.equal(choice.finish_reason, told);
    assert.ok(!('pixtral' in choice));
  }
});

test('a token that was forced has a number for clients that want one, and is told from one that was drawn', () => {
  const logprobs: Answer['logprobs'] = [
    { id: 5, token: '{"', forced: true },
    { id: 6, token: 'a', logprob: -0.5, top: [{ id: 6, token: 'a', logprob: -0.5 }] },
  ];
  const { content } = chatChoice(answer({ logprobs }), 0).logprobs!;
  assert.deepEqual(content, [
    { token: '{"', logprob: 0, bytes: [123, 34], top_logprobs: [], forced: true },
    { token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [{ token: 'a', logprob: -0.5, bytes: [97] }] },
  ]);
});

test('a client that takes one call gets the first, and the same end', () => {
  const call = (id: string) => ({ id, type: 'function' as const, function: { name: 'look', arguments: '{}' } });
  const both = answer({ text: '', tool_calls: [call('a'), call('b')] });
  const { message, finish_reason: reason } = chatChoice(withFirstCalls(both, 1), 0);
  assert.deepEqual([message.tool_calls, reason], [[call('a')], 'tool_calls']);
  assert.equal(withFirstCalls(both, Infinity), both);
  const words = answer({});
  assert.equal(withFirstCalls(words, 1), words);
});
