import assert from 'node:assert/strict';
import { request } from 'node:http';
import { constants } from 'node:os';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { main } from '../../src/cli/main.ts';
import { reasoningPair } from '../helpers/reasoning-checkpoint.ts';
import { type Running, clientOf, drawing, seen, sharedServer, startServer } from '../helpers/server.ts';

const { cache, server: shared } = await sharedServer();

const start = (...words: string[]): Promise<Running> => startServer(cache, ...words);
const messages = async (name: string, text: string) => [
  {
    role: 'user' as const,
    content: [
      { type: 'image_url' as const, image_url: { url: await drawing(name) } },
      { type: 'text' as const, text },
    ],
  },
];
const client = (url = shared.url, apiKey = 'none') => clientOf(url, apiKey);
const model = 'demo';
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(shared.url + path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers });
const errorOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { message: string } }).error.message;

test("OpenAI's own client is answered, whole and in pieces", async () => {
  const asked = { model, messages: await messages('0022a.png', 'what do you see?') };
  const whole = await client().chat.completions.create(asked);
  assert.equal(whole.choices[0]!.message.content, seen['0022a.png']);
  assert.equal(whole.choices[0]!.finish_reason, 'stop');
  const stream = await client().chat.completions.create({
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let usage: { total_tokens: number } | null | undefined;
  let pieces = 0;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    if (chunk.choices[0]?.delta.content) pieces++;
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, seen['0022a.png']);
  assert.ok(pieces > 10);
  assert.equal(usage?.total_tokens, whole.usage?.total_tokens);
});

test('forms, log-probabilities and several choices are what the API says they are', async () => {
  const { choices } = await client().chat.completions.create({
    model,
    n: 2,
    logprobs: true,
    top_logprobs: 2,
    max_completion_tokens: 3,
    messages: await messages('0022a.png', 'how many shapes are there?'),
  });
  assert.deepEqual(
    choices.map(({ index, message }) => [index, message.content]),
    [
      [0, '4'],
      [1, '4'],
    ],
  );
  assert.equal(choices[0]!.logprobs!.content![0]!.top_logprobs.length, 2);
  const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
  const formed = await client().chat.completions.create({
    model,
    messages: await messages('0022a.png', 'how many shapes are there? Answer in JSON.'),
    response_format: { type: 'json_schema', json_schema: { name: 'count', schema } },
  });
  assert.equal(typeof (JSON.parse(formed.choices[0]!.message.content!) as { n: number }).n, 'number');
});

test('requests at once are answered about their own pictures', async () => {
  const names = Object.keys(seen);
  const answers = await Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const asked = { model, messages: await messages(names[index % 2]!, 'what is in this picture?') };
      return (await client().chat.completions.create(asked)).choices[0]!.message.content;
    }),
  );
  for (const [index, answer] of answers.entries()) assert.equal(answer, seen[names[index % 2]!]);
});

test('decisions have a probability for each option, named or not', async () => {
  const response = await post('/v1/decisions', {
    model,
    input: [{ role: 'user', content: [{ type: 'input_image', image_url: await drawing('0022a.png') }] }],
    questions: [
      {
        type: 'choice',
        name: 'count',
        instructions: 'how many shapes are there?',
        choices: [{ value: '3' }, { value: '4' }],
      },
      { type: 'predicate', instructions: 'is there a green star?' },
      {
        type: 'score',
        instructions: 'how many shapes are there?',
        levels: [{ label: '3' }, { label: '4' }, { label: '5' }],
      },
    ],
  });
  const { answers } = (await response.json()) as {
    answers: { name: string | null; choice?: string; probability?: number; score?: number }[];
  };
  assert.deepEqual([answers[0]!.name, answers[0]!.choice, answers[1]!.name], ['count', '4', null]);
  assert.ok(answers[1]!.probability! > 0.9 && Math.abs(answers[2]!.score! - 2) < 0.05);
});

test('a client that goes away frees its place', async () => {
  const leaving = new AbortController();
  const body = JSON.stringify({
    messages: await messages('0022a.png', 'what do you see?'),
    stream: true,
    max_tokens: 200,
  });
  const response = await fetch(`${shared.url}/v1/chat/completions`, { method: 'POST', body, signal: leaving.signal });
  const reader = response.body!.getReader();
  await reader.read();
  leaving.abort();
  for (;;) {
    const metrics = await (await fetch(`${shared.url}/metrics`)).text();
    if (/pixtral_requests_in_work 0\n/.test(metrics)) break;
    await setTimeout(20);
  }
  const { choices } = await client().chat.completions.create({
    model,
    messages: await messages('0007a.png', 'what is this?'),
  });
  assert.ok(choices[0]!.message.content);
});

test('a page of another origin and a name that is not its own are refused, a key is asked for', async () => {
  const models = `${shared.url}/v1/models`;
  assert.equal((await fetch(models, { headers: { origin: 'https://evil.example' } })).status, 403);
  assert.equal((await fetch(models, { headers: { origin: shared.url } })).status, 200);
  assert.equal(await statusAs('evil.example'), 403);
  assert.equal(await statusAs('localhost:1234'), 200);
  const guarded = await start('--api-key', 'secret', '--cors', 'https://friend.example');
  try {
    assert.equal((await fetch(`${guarded.url}/v1/models`)).status, 401);
    assert.equal((await fetch(`${guarded.url}/health`)).status, 200);
    assert.equal((await client(guarded.url, 'secret').models.list()).data[0]!.id, 'demo');
    await assert.rejects(client(guarded.url, 'Secret').models.list(), { status: 401 });
    const headers = { origin: 'https://friend.example', 'access-control-request-method': 'POST' };
    const preflight = await fetch(`${guarded.url}/v1/chat/completions`, { method: 'OPTIONS', headers });
    assert.deepEqual(
      [preflight.status, preflight.headers.get('access-control-allow-origin')],
      [204, 'https://friend.example'],
    );
  } finally {
    await guarded.stop(constants.signals.SIGTERM);
  }
});

/** By a Host header of our own, as a page does whose name leads here. */
function statusAs(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request(`${shared.url}/v1/models`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asking.on('error', reject).end();
  });
}

test('what cannot be answered is said in the form of the API', async () => {
  const chat = '/v1/chat/completions';
  const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
  assert.match(await errorOf(await post(chat, '{')), /body: is no JSON/);
  assert.match(await errorOf(await post(chat, {})), /messages: is nothing, expected a list of messages/);
  assert.match(
    await errorOf(await post(chat, { ...user('hi'), frequency_penalty: 2 })),
    /frequency_penalty: is 2, expected 0/,
  );
  for (const other of [{ safe_prompt: true }, { chat_template_kwargs: { enable_thinking: false } }, { regex: 'a+' }]) {
    const response = await post(chat, { ...user('hi'), ...other });
    assert.equal(response.status, 400);
    assert.match(await errorOf(response), new RegExp(`^body: ${Object.keys(other)[0]}`));
  }
  assert.match(await errorOf(await post(chat, { ...user('hi'), random_seed: 'a' })), /random_seed: is "a"/);
  for (const url of ['/etc/passwd', 'file:///etc/passwd', 'clip:', '-', '@list.txt', '*.png']) {
    const response = await post(chat, user([{ type: 'image_url', image_url: { url } }]));
    assert.equal(response.status, 400);
    assert.match(await errorOf(response), /image_url: is no data: URI and no http\(s\) URL/);
  }
  const local = await post(chat, user([{ type: 'image_url', image_url: { url: 'http://127.0.0.1:1/a.png' } }]));
  assert.deepEqual([local.status, /not allowed|private|this machine/.test(await errorOf(local))], [400, true]);
  assert.equal((await fetch(`${shared.url}/v1/nothing`)).status, 404);
  assert.equal(
    (await post(chat, user('hi'), { 'content-length': String(2 ** 30) }).catch(() => ({ status: 413 }))).status,
    413,
  );
  assert.match(
    await errorOf(await post('/v1/decisions', { input: 'x', questions: [] })),
    /questions: is \[\], expected a list of questions/,
  );
});

test('more requests than may wait are told to come back', async () => {
  const small = await start('--queue', '1', '--parallel', '1');
  try {
    const body = JSON.stringify({ messages: await messages('0022a.png', 'what do you see?') });
    const all = await Promise.all(
      Array.from({ length: 6 }, () => fetch(`${small.url}/v1/chat/completions`, { method: 'POST', body })),
    );
    const busy = all.filter(({ status }) => status === 429);
    assert.ok(busy.length >= 1 && all.some(({ status }) => status === 200));
    assert.equal(busy[0]!.headers.get('retry-after'), '2');
    const streaming = JSON.stringify({ ...(JSON.parse(body) as object), stream: true });
    const streams = await Promise.all(
      Array.from({ length: 6 }, () => fetch(`${small.url}/v1/chat/completions`, { method: 'POST', body: streaming })),
    );
    assert.ok(
      streams.some(({ status }) => status === 429),
      'a stream that finds no place is refused by its status',
    );
    await Promise.all(streams.map((response) => response.text()));
  } finally {
    await small.stop(constants.signals.SIGTERM);
  }
});

test('SIGTERM finishes the answers in work, and the exit code is the signal', async () => {
  const ending = await start();
  const answer = client(ending.url).chat.completions.create({
    model,
    messages: await messages('0022a.png', 'what do you see?'),
  });
  for (;;) {
    const metrics = await (await fetch(`${ending.url}/metrics`)).text();
    if (/pixtral_requests_in_work 1\n/.test(metrics)) break;
    await setTimeout(2);
  }
  const code = ending.stop(constants.signals.SIGTERM);
  assert.equal((await answer).choices[0]!.message.content, seen['0022a.png']);
  assert.equal(await code, 128 + constants.signals.SIGTERM);
  await assert.rejects(fetch(`${ending.url}/health`));
});

test('a server that others can reach needs a key', async () => {
  let stderr = '';
  const code = await main(['serve', '--model', 'demo', '--host', '0.0.0.0'], {
    stdin: { isTTY: true, read: async () => new Uint8Array(), ask: async () => undefined },
    stdout: { isTTY: false, write: () => {} },
    stderr: { isTTY: false, write: (text) => void (stderr += String(text)) },
    env: { PIXTRAL_CACHE: cache },
    signal: new AbortController().signal,
  });
  assert.equal(code, 2);
  assert.match(stderr, /--host 0\.0\.0\.0: others can reach it, expected an --api-key/);
});

test('tools and thoughts come to a client as the API has them', async () => {
  const pair = await reasoningPair('v13');
  const serving = await start('--model', pair.folder, '--temperature', '2', '--top-p', '1');
  try {
    const openai = client(serving.url);
    const tool = { type: 'function' as const, function: { name: 'f', parameters: { type: 'object' } } };
    const question = { role: 'user' as const, content: 'a' };
    const asked = { model, messages: [question], tools: [tool], max_completion_tokens: 8, seed: 1 };
    const choice = { type: 'function' as const, function: { name: 'f' } };
    const called = await openai.chat.completions.create({ ...asked, tool_choice: choice });
    const [call] = called.choices[0]!.message.tool_calls!;
    assert.ok(call?.type === 'function' && call.function.name === 'f');
    assert.equal(called.choices[0]!.message.content, null);
    const alone = await openai.chat.completions.create({ ...asked, tool_choice: choice, parallel_tool_calls: false });
    assert.equal(alone.choices[0]!.message.tool_calls!.length, 1);
    const stream = await openai.chat.completions.create({ ...asked, tool_choice: choice, stream: true });
    const streamed = [];
    for await (const chunk of stream) streamed.push(...(chunk.choices[0]?.delta.tool_calls ?? []));
    assert.deepEqual(streamed[0], { index: 0, ...call });

    const result = { role: 'tool' as const, tool_call_id: call.id, content: '22' };
    const next = await openai.chat.completions.create({
      ...asked,
      messages: [question, called.choices[0]!.message, result],
    });
    assert.equal(next.choices.length, 1);

    const open = { role: 'assistant', prefix: true, content: [{ type: 'thinking', thinking: 'hm', closed: false }] };
    const thought = await openai.chat.completions.create({ ...asked, messages: [question, open as never], tools: [] });
    const { reasoning_content: reasoning } = thought.choices[0]!.message as { reasoning_content?: string };
    assert.ok(reasoning !== undefined && reasoning !== '');
    assert.ok((thought.usage?.completion_tokens_details?.reasoning_tokens ?? 0) > 0);
    await assert.rejects(
      openai.chat.completions.create({ ...asked, reasoning_effort: 'high' }),
      /reasoning effort "high": this model \(v13\) takes none/,
    );
  } finally {
    await serving.stop(constants.signals.SIGINT);
    await pair.remove();
  }
});
