import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AskJson } from '../../../src/wires/json.ts';
import { cli } from '../../helpers/cli.ts';
import type { ConvertedPair } from '../../helpers/converted.ts';
import { reasoningPair } from '../../helpers/reasoning-checkpoint.ts';

let pair: ConvertedPair;
before(async () => {
  pair = await reasoningPair('v15');
});
after(() => pair.remove());

/** A model of noise ends its thoughts when chance has it: the prompt leaves them open, and the seed is one that does. */
const thinking = {
  messages: [
    { role: 'user', content: 'a' },
    { role: 'assistant', prefix: true, content: [{ type: 'thinking', thinking: 'hm', closed: false }] },
  ],
  temperature: 2,
  top_p: 1,
  max_tokens: 3000,
  seed: 7,
};
const schema = { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'], additionalProperties: false };
const responseFormat = { type: 'json_schema', json_schema: { name: 'x', schema } };
const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object' } } };

type Line = AskJson & { id: string; error?: { code: string; message: string } };

async function answers(...records: object[]): Promise<Line[]> {
  const stdin = Buffer.from(records.map((record) => JSON.stringify(record)).join('\n'));
  const words = ['batch', '--records', '-', '-m', pair.folder, '--gpu', 'off', '--quiet'];
  const { stdout, stderr } = await cli(words, { stdin });
  assert.notEqual(stdout, '', stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

test('the form of an answer begins behind its thoughts, which are told only where they are to be shown', async () => {
  const asked = { ...thinking, response_format: responseFormat, logprobs: true };
  const [shown, hidden] = await answers({ id: 1, ...asked, reasoning: 'show' }, { id: 2, ...asked, reasoning: 'hide' });
  assert.ok(shown && hidden);
  assert.ok((shown.reasoning ?? '').length > 0);
  assert.equal(hidden.reasoning, undefined);
  for (const answer of [shown, hidden]) {
    assert.match(answer.text, /^\{"a": ?(true|false)\}$|^\{\s*"a"\s*:\s*(true|false)\s*\}$/);
    assert.deepEqual(answer.data, JSON.parse(answer.text));
    assert.ok(answer.usage.reasoning! > 0 && answer.usage.reasoning! < answer.usage.completion);
    assert.equal(answer.logprobs!.length, answer.usage.completion - answer.usage.reasoning!);
  }
  assert.equal(hidden.text, shown.text);
});

test('thoughts that are off are no part of the prompt, and none are drawn', async () => {
  const asked = { messages: [{ role: 'user', content: 'a' }], temperature: 2, top_p: 1, max_tokens: 400, seed: 3 };
  const [off] = await answers({ id: 1, ...asked, reasoning: 'off' });
  assert.equal(off!.usage.reasoning, undefined);
  const shown = await cli(['tokens', '-p', 'a', '-m', pair.folder, '--json', '--reasoning', 'off']);
  assert.match(JSON.parse(shown.stdout).pieces.join(''), /\[MODEL_SETTINGS\]\{"reasoning_effort": "none"\}\[/);
});

test('a tool that must be asked for is asked for, with an id that the conversation can go on with', async () => {
  const messages = [{ role: 'user', content: 'a' }];
  const choice = { type: 'function', function: { name: 'f' } };
  const [called] = await answers({ id: 1, messages, tools: [tool], tool_choice: choice, max_tokens: 10, seed: 1 });
  const [call] = called!.tool_calls!;
  assert.equal(call!.function.name, 'f');
  assert.match(call!.id, /^[a-zA-Z0-9]{9}$/);
  assert.equal(called!.text, '');
  const result = { role: 'tool', tool_call_id: call!.id, content: 'sunny' };
  const history = [...messages, { role: 'assistant', content: null, tool_calls: called!.tool_calls }, result];
  const [next] = await answers({ id: 2, messages: history, tools: [tool], max_tokens: 5 });
  assert.equal(next!.error, undefined);
});

test('what a model does not have is refused by name', async () => {
  const messages = [{ role: 'user', content: 'a' }];
  const wrong = await answers(
    { id: 'effort', messages, reasoning_effort: 'max' },
    { id: 'both', messages, reasoning_effort: 'high', reasoning: 'off' },
    { id: 'tool', messages, tools: [tool], tool_choice: { type: 'function', function: { name: 'g' } } },
    { id: 'none', messages, tool_choice: 'required' },
    { id: 'audio', messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    { id: 'result', messages: [...messages, { role: 'tool', tool_call_id: 'x', content: '' }] },
    { id: 'name', messages, tools: [{ type: 'function', function: { name: 'a b' } }] },
    { id: 'schema', messages, tools: [{ type: 'function', function: { name: 'f', parameters: { type: 7 } } }] },
  );
  assert.deepEqual(
    wrong.map(({ id, error }) => [id, error?.message.replace(/^standard input, line \d+: /, '')]),
    [
      ['effort', 'reasoning effort "max": expected one of none, high'],
      ['both', 'reasoning is off, and its effort "high": expected one of them'],
      ['tool', 'tool_choice: there is no tool "g", expected one of the tools'],
      ['none', 'tool_choice: there are no tools, expected them beside it'],
      ['audio', 'messages[0].content: input_audio is not supported: these models see, but do not hear'],
      [
        'result',
        "conversation: message 2 is a tool's result after a question, expected an answer or a system prompt or a question",
      ],
      ['name', 'conversation: a tool is called "a b", expected up to 64 letters (a-z), digits, underscores and dashes'],
      [
        'schema',
        'conversation: parameters of the tool f: #/type must be equal to one of the allowed values, #/type must be array, #/type must match a schema in anyOf',
      ],
    ],
  );
});
