import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type default as OpenAI, toFile } from 'openai';
import { type Running, clientOf, drawing, seen, serverCache, startServer } from '../helpers/server.ts';

let cache: string;
let server: Running;
let client: OpenAI;
before(async () => {
  cache = await serverCache();
  server = await startServer(cache);
  client = clientOf(server.url);
});
after(async () => {
  await server.stop(constants.signals.SIGINT);
  await rm(cache, { recursive: true, force: true });
});

const names = Object.keys(seen);
const chatLine = async (id: string, name: string, more: object = {}): Promise<string> =>
  JSON.stringify({
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: 'demo',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: await drawing(name) } },
            { type: 'text', text: 'what is in this picture?' },
          ],
        },
      ],
      ...more,
    },
  });

async function upload(lines: readonly string[]): Promise<string> {
  const file = await toFile(Buffer.from(lines.join('\n')), 'requests.jsonl');
  return (await client.files.create({ file, purpose: 'batch' })).id;
}

type Endpoint = OpenAI.BatchCreateParams['endpoint'];

async function ended(id: string): Promise<OpenAI.Batch> {
  for (;;) {
    const batch = await client.batches.retrieve(id);
    if (['completed', 'failed', 'cancelled'].includes(batch.status)) return batch;
    await setTimeout(30);
  }
}

async function run(lines: readonly string[], endpoint: Endpoint = '/v1/chat/completions'): Promise<OpenAI.Batch> {
  const input_file_id = await upload(lines);
  return ended((await client.batches.create({ input_file_id, endpoint, completion_window: '24h' })).id);
}

const byId = ([a]: unknown[], [b]: unknown[]): number => String(a).localeCompare(String(b));

interface OutputLine {
  custom_id: string;
  response: { status_code: number; body: Record<string, never> } | null;
  error: { message: string } | null;
}

async function linesOf(id: string | null | undefined): Promise<OutputLine[]> {
  const text = await (await client.files.content(id!)).text();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as OutputLine);
}

test("a file of requests is answered as OpenAI's client expects, failures apart", async () => {
  const lines = [
    await chatLine('a', names[0]!),
    await chatLine('b', names[1]!),
    await chatLine('c', names[1]!, { frequency_penalty: 2 }),
  ];
  const batch = await run(lines);
  assert.deepEqual([batch.status, batch.request_counts], ['completed', { total: 3, completed: 2, failed: 1 }]);
  const output = await linesOf(batch.output_file_id);
  const texts = output.map(({ custom_id: id, response }) => {
    const { choices } = response!.body as unknown as OpenAI.ChatCompletion;
    return [id, response!.status_code, choices[0]!.message.content];
  });
  assert.deepEqual(texts.toSorted(byId), [
    ['a', 200, seen[names[0]!]],
    ['b', 200, seen[names[1]!]],
  ]);
  const errors = await linesOf(batch.error_file_id);
  assert.deepEqual([errors.length, errors[0]!.custom_id], [1, 'c']);
  assert.match(errors[0]!.error!.message, /frequency_penalty: is 2/);
});

test('responses and decisions are answered in their own shapes', async () => {
  const image = { type: 'input_image', image_url: await drawing('0022a.png') };
  const line = (id: string, url: string, body: object): string =>
    JSON.stringify({ custom_id: id, method: 'POST', url, body: { model: 'demo', ...body } });
  const asked = [{ role: 'user', content: [image, { type: 'input_text', text: 'how many shapes are there?' }] }];
  const batch = await run([line('r', '/v1/responses', { input: asked })], '/v1/responses');
  const [response] = await linesOf(batch.output_file_id);
  const { object, output } = response!.response!.body as unknown as OpenAI.Responses.Response;
  assert.equal(object, 'response');
  assert.deepEqual((output[0] as OpenAI.Responses.ResponseOutputMessage).content[0], {
    type: 'output_text',
    text: '4',
    annotations: [],
    logprobs: [],
  });
  const questions = [{ type: 'predicate', instructions: 'is there a green star?' }];
  const decided = await run(
    [line('d', '/v1/decisions', { input: [{ role: 'user', content: [image] }], questions })],
    '/v1/decisions' as Endpoint,
  );
  const [decision] = await linesOf(decided.output_file_id);
  const { answers } = decision!.response!.body as unknown as { answers: { probability: number }[] };
  assert.ok(answers[0]!.probability > 0.9);
});

test('a file that is wrong fails before anything is answered, and says where', async () => {
  const good = await chatLine('a', names[0]!);
  const batch = await run([good, good, '{"custom_id":"b"', '{"custom_id":"c","method":"POST","url":"/v1/responses"}']);
  assert.equal(batch.status, 'failed');
  assert.deepEqual(
    batch.errors!.data!.map(({ code, line }) => [code, line]),
    [
      ['duplicate_custom_id', 2],
      ['invalid_json_line', 3],
      ['mismatched_url', 4],
    ],
  );
});

test('files are listed, read, removed; what is not there is 404', async () => {
  const line = await chatLine('a', names[0]!);
  const id = await upload([line]);
  const listed = await client.files.list({ purpose: 'batch' });
  assert.ok(listed.data.some((file) => file.id === id));
  assert.equal(await (await client.files.content(id)).text(), line);
  assert.equal((await client.files.retrieve(id)).filename, 'requests.jsonl');
  assert.deepEqual(await client.files.delete(id), { id, object: 'file', deleted: true });
  await assert.rejects(client.files.retrieve(id), { status: 404 });
  for (const odd of ['file-x', '..%2F..%2Fetc%2Fpasswd', '%2e%2e', 'lock']) {
    assert.equal((await fetch(`${server.url}/v1/files/${odd}/content`)).status, 404);
  }
  await assert.rejects(client.batches.retrieve('batch_x'), { status: 404 });
  const create = { endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
  await assert.rejects(client.batches.create({ ...create, input_file_id: id }), { status: 400 });
});

test('batches are listed page by page, the newest first', async () => {
  const first = await client.batches.list({ limit: 2 });
  assert.equal(first.data.length, 2);
  assert.equal(first.has_more, true);
  const all = [];
  for await (const batch of client.batches.list({ limit: 2 })) all.push(batch.id);
  assert.equal(new Set(all).size, all.length);
  assert.ok(all.length >= 4);
});

test('a batch that is cancelled keeps what was answered', async () => {
  const lines = await Promise.all(Array.from({ length: 200 }, (_, index) => chatLine(`n${index}`, names[index % 2]!)));
  const input_file_id = await upload(lines);
  const { id } = await client.batches.create({
    input_file_id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
  for (;;) {
    const { request_counts: counts } = await client.batches.retrieve(id);
    if (counts!.completed > 0) break;
    await setTimeout(10);
  }
  await assert.rejects(client.files.delete(input_file_id), { status: 409 });
  assert.equal((await client.batches.cancel(id)).status, 'cancelling');
  const batch = await ended(id);
  assert.equal(batch.status, 'cancelled');
  const output = await linesOf(batch.output_file_id);
  assert.ok(output.length >= 1 && output.length < 200);
  assert.equal(batch.error_file_id, null);
});

test('a server that ends in the middle of a batch goes on with it when it starts again', async () => {
  const lines = await Promise.all(Array.from({ length: 60 }, (_, index) => chatLine(`n${index}`, names[index % 2]!)));
  const input_file_id = await upload(lines);
  const endpoint = '/v1/chat/completions' as const;
  const { id } = await client.batches.create({ input_file_id, endpoint, completion_window: '24h' });
  for (;;) {
    if ((await client.batches.retrieve(id)).request_counts!.completed >= 2) break;
    await setTimeout(10);
  }
  await server.stop(constants.signals.SIGTERM);
  server = await startServer(cache);
  client = clientOf(server.url);
  const batch = await ended(id);
  assert.deepEqual([batch.status, batch.request_counts], ['completed', { total: 60, completed: 60, failed: 0 }]);
  const output = await linesOf(batch.output_file_id);
  assert.deepEqual(
    output.map(({ custom_id: line }) => line).toSorted(),
    lines.map((_, index) => `n${index}`).toSorted(),
  );
  for (const { custom_id: line, response } of output) {
    const { choices } = response!.body as unknown as OpenAI.ChatCompletion;
    assert.equal(choices[0]!.message.content, seen[names[Number(line.slice(1)) % 2]!]);
  }
});

test('a second server in the same folder answers, but has no batches', async () => {
  const second = await startServer(cache);
  try {
    assert.match(second.stderr(), /another server works in it/);
    await assert.rejects(clientOf(second.url).batches.list(), { status: 503 });
    assert.equal((await clientOf(second.url).models.list()).data.length, 1);
  } finally {
    await second.stop(constants.signals.SIGINT);
  }
  const kept = await readdir(join(cache, 'data', 'serve', 'demo', 'batches'));
  assert.ok(kept.every((name) => /^batch_[0-9a-f]{32}\.jsonl?$/.test(name)));
});
