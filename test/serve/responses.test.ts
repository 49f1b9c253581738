import assert from 'node:assert/strict';
import { test } from 'node:test';
import type OpenAI from 'openai';
import { clientOf, drawing, seen, sharedServer } from '../helpers/server.ts';

const { server } = await sharedServer();
const client = clientOf(server.url);

const model = 'demo';
const asking = async (name: string, text: string): Promise<OpenAI.Responses.EasyInputMessage> => ({
  role: 'user',
  content: [
    { type: 'input_image', image_url: await drawing(name), detail: 'auto' },
    { type: 'input_text', text },
  ],
});

test("a picture is answered about as OpenAI's client reads it", async () => {
  const input = [await asking('0022a.png', 'what do you see?')];
  const response = await client.responses.create({ model, input, store: false, metadata: { a: 'b' } });
  assert.equal(response.output_text, seen['0022a.png']);
  assert.deepEqual([response.status, response.object], ['completed', 'response']);
  assert.equal((response as { store?: boolean }).store, false);
  assert.deepEqual(response.metadata, { a: 'b' });
  const { input_tokens: prompt, output_tokens: completion, total_tokens: total } = response.usage!;
  assert.ok(prompt > 60 && completion > 20 && total === prompt + completion);
});

test("events have OpenAI's names and order, and their texts make up the answer", async () => {
  const input = [await asking('0022a.png', 'what do you see?')];
  const stream = await client.responses.create({ model, input, stream: true });
  const events: OpenAI.Responses.ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, index) => index),
  );
  const deltas = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []));
  assert.ok(deltas.length > 10);
  assert.equal(deltas.join(''), seen['0022a.png']);
  const names = events.map(({ type }) => type).filter((type) => type !== 'response.output_text.delta');
  assert.deepEqual(names, [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  const last = events.at(-1)!;
  assert.ok(last.type === 'response.completed' && last.response.usage!.output_tokens > 20);
});

test('a file part is a picture or a PDF, in both APIs', async () => {
  const file_data = await drawing('0022a.png');
  const text = 'what do you see?';
  const content = [
    { type: 'input_file' as const, filename: 'a.png', file_data },
    { type: 'input_text' as const, text },
  ];
  const response = await client.responses.create({ model, input: [{ role: 'user', content }] });
  assert.equal(response.output_text, seen['0022a.png']);
  const parts = [
    { type: 'file' as const, file: { filename: 'a.png', file_data } },
    { type: 'text' as const, text },
  ];
  const chat = await client.chat.completions.create({ model, messages: [{ role: 'user', content: parts }] });
  assert.equal(chat.choices[0]!.message.content, seen['0022a.png']);
});

test('the raw stream names each event and ends without a [DONE]', async () => {
  const body = JSON.stringify({ model, input: 'hi', stream: true, max_output_tokens: 2 });
  const text = await (await fetch(`${server.url}/v1/responses`, { method: 'POST', body })).text();
  const frames = text.trimEnd().split('\n\n');
  for (const frame of frames) {
    const [, name, data] = /^event: (\S+)\ndata: (.*)$/.exec(frame) ?? [];
    assert.equal((JSON.parse(data!) as { type: string }).type, name);
  }
  assert.match(frames.at(-1)!, /^event: response\.(completed|incomplete)\n/);
});

test('an answer that is cut is incomplete, and says by what', async () => {
  const input = [await asking('0022a.png', 'what do you see?')];
  const response = await client.responses.create({ model, input, max_output_tokens: 3 });
  assert.deepEqual([response.status, response.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }]);
  assert.equal(response.usage!.output_tokens, 3);
});

test('earlier turns and instructions come with the request', async () => {
  const first = [await asking('0022a.png', 'how many shapes are there?')];
  const { output } = await client.responses.create({ model, input: first });
  const next: OpenAI.Responses.ResponseInput = [
    ...first,
    ...(output as OpenAI.Responses.ResponseOutputMessage[]),
    { role: 'user', content: 'what color is the cross?' },
  ];
  const second = await client.responses.create({ model, input: next });
  const { usage } = await client.responses.create({ model, input: next, instructions: 'Answer in one word.' });
  assert.ok(second.usage!.input_tokens > 60 && usage!.input_tokens > second.usage!.input_tokens);
});

test('forms and log-probabilities', async () => {
  const schema = {
    type: 'object',
    properties: { n: { type: 'integer' } },
    required: ['n'],
    additionalProperties: false,
  };
  const input = [await asking('0022a.png', 'how many shapes are there? Answer in JSON.')];
  const formed = await client.responses.create({
    model,
    input,
    text: { format: { type: 'json_schema', name: 'count', schema, strict: true } },
  });
  assert.equal(typeof (JSON.parse(formed.output_text) as { n: number }).n, 'number');
  const object = await client.responses.create({ model, input, text: { format: { type: 'json_object' } } });
  assert.equal(typeof JSON.parse(object.output_text), 'object');
  const counted = await client.responses.create({
    model,
    input: [await asking('0022a.png', 'how many shapes are there?')],
    include: ['message.output_text.logprobs'],
    top_logprobs: 2,
  });
  const [item] = counted.output;
  assert.ok(item?.type === 'message' && item.content[0]?.type === 'output_text');
  assert.equal(item.content[0].text, '4');
  assert.equal(item.content[0].logprobs![0]!.top_logprobs.length, 2);
});

for (const [field, value, says] of [
  ['previous_response_id', 'resp_1', /body: previous_response_id is not supported/],
  ['conversation', 'conv_1', /body: conversation is not supported/],
  ['store', true, /body: store: is true, expected false/],
  ['background', true, /body: background: is true, expected false/],
  ['tools', [{ type: 'web_search' }], /body: tools: is .*, expected \[\]/],
  [
    'input',
    [{ type: 'function_call_output', call_id: 'x', output: '' }],
    /input\[0\]: type: is "function_call_output"/,
  ],
  ['input', [{ role: 'user', content: [{ type: 'input_image', file_id: 'file-1' }] }], /file_id is not supported/],
  ['input', [{ role: 'user', content: [{ type: 'input_image', image_url: '/etc/passwd' }] }], /is no data: URI/],
  ['input', [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:' }] }], /is no data: URI/],
  ['text', { verbosity: 'low' }, /body: text: verbosity: is "low"/],
  ['max_output_tokens', 0, /max_output_tokens: is 0, expected a whole number/],
] as const) {
  test(`${field} ${JSON.stringify(value).slice(0, 60)} is refused by name`, async () => {
    const body = JSON.stringify({ model, input: 'hi', [field]: value });
    const response = await fetch(`${server.url}/v1/responses`, { method: 'POST', body });
    assert.equal(response.status, 400);
    assert.match(((await response.json()) as { error: { message: string } }).error.message, says);
  });
}

test('what is unknown and changes nothing is passed over', async () => {
  const body = { model, input: 'hi', max_output_tokens: 1, truncation: 'auto', reasoning: { effort: null }, x_own: 1 };
  const response = await fetch(`${server.url}/v1/responses`, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(response.status, 200);
});
