import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawing, seen, sharedServer } from '../helpers/server.ts';

const { server } = await sharedServer('--api-key', 'secret');

const post = (body: object, key = 'secret', path = '/v1/messages'): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'demo', max_tokens: 200, ...body }),
  });
const asking = async (text: string) => {
  const data = (await drawing('0022a.png')).replace(/^.*,/, '');
  const content = [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
    { type: 'text', text, cache_control: { type: 'ephemeral' } },
  ];
  return { messages: [{ role: 'user', content }] };
};

test("Anthropic's messages are answered, whole and as events", async () => {
  const asked = await asking('what do you see?');
  const whole = (await (await post(asked)).json()) as Record<string, unknown>;
  assert.deepEqual(whole['content'], [{ type: 'text', text: seen['0022a.png'] }]);
  assert.deepEqual([whole['type'], whole['role'], whole['stop_reason']], ['message', 'assistant', 'end_turn']);
  const frames = (await (await post({ ...asked, stream: true })).text()).trimEnd().split('\n\n');
  const events = frames.map((frame) => {
    const [, name, data] = /^event: (\S+)\ndata: (.*)$/.exec(frame)!;
    const event = JSON.parse(data!) as { type: string; delta?: { text?: string } };
    assert.equal(event.type, name);
    return event;
  });
  const names = events.map(({ type }) => type).filter((type) => type !== 'content_block_delta');
  assert.deepEqual(names, [
    'message_start',
    'content_block_start',
    'ping',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ]);
  assert.equal(events.map(({ delta }) => delta?.text ?? '').join(''), seen['0022a.png']);
});

test('stop sequences, limits and a system prompt', async () => {
  const asked = await asking('what do you see?');
  const stopped = (await (await post({ ...asked, stop_sequences: [' cross'] })).json()) as Record<string, unknown>;
  assert.deepEqual([stopped['stop_reason'], stopped['stop_sequence']], ['stop_sequence', ' cross']);
  const one = (await (await post({ ...asked, stop_sequences: ['###', ' star', ' red'] })).json()) as typeof stopped;
  assert.deepEqual([one['content'], one['stop_sequence']], [[{ type: 'text', text: 'A small green' }], ' star']);
  const none = (await (await post({ ...asked, stop_sequences: ['###'] })).json()) as typeof stopped;
  assert.deepEqual([none['stop_reason'], none['stop_sequence']], ['end_turn', null]);
  const cut = await (await post({ ...asked, max_tokens: 2, system: [{ type: 'text', text: 'Be short.' }] })).json();
  assert.equal((cut as Record<string, unknown>)['stop_reason'], 'max_tokens');
});

test('tokens are counted as a question of them has them', async () => {
  const asked = await asking('what do you see?');
  const counted = await post({ ...asked, system: 'Look.' }, 'secret', '/v1/messages/count_tokens');
  const { usage } = (await (await post({ ...asked, system: 'Look.' })).json()) as { usage: { input_tokens: number } };
  assert.deepEqual(await counted.json(), { input_tokens: usage.input_tokens });
  const refused = await post({ messages: [] }, 'secret', '/v1/messages/count_tokens');
  const { type } = (await refused.json()) as { type: string };
  assert.deepEqual([refused.status, type], [400, 'error']);
});

test('what cannot be answered is said in the form of that API', async () => {
  const wrongKey = await post(await asking('x'), 'wrong');
  assert.equal(wrongKey.status, 401);
  assert.deepEqual(await wrongKey.json(), {
    type: 'error',
    error: { type: 'authentication_error', message: 'the API key is missing or wrong' },
  });
  const refused = await post({ ...(await asking('x')), tools: [{ name: 'f' }] });
  assert.equal(refused.status, 400);
  const { error } = (await refused.json()) as { error: { type: string; message: string } };
  assert.equal(error.type, 'invalid_request_error');
  assert.match(error.message, /body: tools: is .*, expected \[\]/);
  const image = { type: 'image', source: { type: 'file', file_id: 'x' } };
  const unknown = await post({ messages: [{ role: 'user', content: [image] }] });
  assert.match(((await unknown.json()) as typeof error & { error: typeof error }).error.message, /base64 or url/);
});

const schema = { type: 'object', properties: { colour: { enum: ['red', 'green'] } }, required: ['colour'] };

test('the form of an answer is kept to, where their API has it and where their beta had it', async () => {
  const format = { type: 'json_schema', schema };
  for (const form of [{ output_config: { format, effort: 'low' } }, { output_format: format }]) {
    const answered = await post({ ...(await asking('what do you see?')), ...form });
    const { content } = (await answered.json()) as { content: { text: string }[] };
    assert.match(content[0]!.text, /^\{"colour":"(red|green)"\}$/);
  }
});

test('a form that is none, and one that stop texts would cut, are refused by name', async () => {
  const refused = async (form: object): Promise<string> => {
    const answered = await post({ messages: [{ role: 'user', content: 'x' }], ...form });
    assert.equal(answered.status, 400);
    return ((await answered.json()) as { error: { message: string } }).error.message;
  };
  assert.match(await refused({ output_config: { format: { type: 'xml' } } }), /output_config\.format\.type: is "xml"/);
  assert.match(await refused({ output_format: 'json' }), /output_format: is "json"/);
  const format = { type: 'json_schema', schema };
  assert.match(await refused({ output_format: format, stop_sequences: ['.'] }), /stop: would cut/);
});

test("a model is listed as Anthropic's clients and Mistral's expect it", async () => {
  const list = async (headers: Record<string, string>) => {
    const listed = await fetch(`${server.url}/v1/models`, { headers: { 'x-api-key': 'secret', ...headers } });
    return (await listed.json()) as { data: Record<string, unknown>[]; has_more?: boolean };
  };
  const theirs = await list({ 'anthropic-version': '2023-06-01' });
  const [model] = theirs.data;
  assert.deepEqual([model?.['type'], model?.['id'], theirs.has_more], ['model', 'demo', false]);
  assert.ok(!Number.isNaN(Date.parse(String(model?.['created_at']))));
  const { data } = await list({});
  assert.deepEqual([data[0]?.['type'], data[0]?.['object'], data[0]?.['id']], ['base', 'model', 'demo']);
});
