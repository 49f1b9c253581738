import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { spawnFedBatch } from '../helpers/batch-process.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let pair: ConvertedPair;
let scratch: string;
before(async () => {
  pair = await convertedPair('mistral', 'f16');
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-stream-'));
});
after(async () => {
  await pair.remove();
  await rm(scratch, { recursive: true, force: true });
});

const runtime = ['--gpu', 'off', '--threads', '1', '--temperature', '0', '--max-tokens', '4', '--no-cache'];
const record = (id: string | number): string => `${JSON.stringify({ id, images: [], prompt: `question ${id}` })}\n`;
const fed = (...words: string[]) =>
  spawnFedBatch(['--model', pair.folder, ...runtime, '--records', '-', '--as-completed', ...words]);
const piped = (stdin: Uint8Array, ...words: string[]) =>
  cli(['batch', '--model', pair.folder, ...runtime, '--records', '-', '--as-completed', ...words], { stdin });
const linesOf = (text: string): { id: unknown; text?: string; error?: { message: string } }[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test('a process that is fed line by line answers each before the next one comes, and ends with its input', async () => {
  const batch = fed();
  const answers = createInterface({ input: batch.stdout })[Symbol.asyncIterator]();
  for (const id of [1, 'two', 3]) {
    batch.stdin.write(record(id));
    const { value } = await answers.next();
    assert.equal(JSON.parse(value as string).id, id);
  }
  const exit = once(batch, 'exit');
  batch.stdin.end(record(4).trimEnd()); // without an end of its line
  assert.equal(JSON.parse((await answers.next()).value as string).id, 4);
  assert.deepEqual(await exit, [0, null]);
});

test('a signal ends a process that waits for its next line', async () => {
  const batch = fed('-o', join(scratch, 'out.jsonl'));
  const told = (async () => {
    for await (const part of batch.stderr) if (String(part).includes('done')) return;
  })();
  batch.stdin.write(record('only'));
  while ((await readFile(join(scratch, 'out.jsonl'), 'utf8').catch(() => '')) === '') {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const exit = once(batch, 'exit');
  batch.kill('SIGTERM');
  const [code, signal] = await exit;
  assert.ok(code === 143 || signal === 'SIGTERM');
  await told;
  assert.equal(linesOf(await readFile(join(scratch, 'out.jsonl'), 'utf8')).length, 1);
});

test('what would be refused before a batch begins fails alone where more may come', async () => {
  const stdin = Buffer.from(
    [record('a'), '\n', 'no JSON\n', record('b'), record('a'), '{"id":"c","images":[]}\n'].join(''),
  );
  const { exitCode, stdout, stderr } = await piped(stdin);
  assert.equal(exitCode, 6, stderr);
  const found = linesOf(stdout).map(({ id, error }) => [id, error?.message] as const);
  const byId = new Map<string, string | undefined>(
    found.map(([id, message]) => [`${String(id)} ${message === undefined}`, message]),
  );
  assert.equal(found.length, 5);
  assert.ok(byId.has('a true') && byId.has('b true'));
  assert.match(byId.get('a false')!, /line 1 and standard input, line 5: both have the id "a"/);
  assert.match(byId.get('line 3 false')!, /line 3: is no JSON/);
  assert.match(byId.get('c false')!, /line 6: has no prompt/);
  assert.match(stderr, /^2 done, 3 failed, 0 skipped$/m);
});

test('shards, limits, other encodings and a journal are as with all records at once', async () => {
  const all = ['a', 'b', 'c', 'd', 'e'].map(record).join('');
  const ids: unknown[] = [];
  for (const shard of ['1/2', '2/2']) {
    ids.push(...linesOf((await piped(Buffer.from(all), '--shard', shard)).stdout).map(({ id }) => id));
  }
  assert.deepEqual(new Set(ids), new Set(['a', 'b', 'c', 'd', 'e']));
  assert.equal(ids.length, 5);
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(all, 'utf16le')]);
  assert.equal(linesOf((await piped(utf16, '--limit', '2')).stdout).length, 2);
  const out = join(scratch, 'journal.jsonl');
  await piped(Buffer.from(record('a')), '-o', out);
  assert.match((await piped(Buffer.from(all), '-o', out)).stderr, /^4 done, 0 failed, 1 skipped$/m);
  const empty = await piped(new Uint8Array());
  assert.deepEqual([empty.exitCode, empty.stdout], [0, '']);
});

test("Mistral's batch lines are answered in Mistral's form", async () => {
  const line = (id: string, body: object) =>
    `${JSON.stringify({ custom_id: id, body: { messages: [{ role: 'user', content: 'what?' }], ...body } })}\n`;
  const begun = [
    { role: 'user', content: 'what?' },
    { role: 'assistant', content: 'It is', prefix: true },
  ];
  const stdin = Buffer.from(
    [
      line('0', { max_tokens: 3, random_seed: 7, temperature: 0.5, safe_prompt: false, model: 'pixtral-12b-2409' }),
      line('1', { safe_prompt: true }),
      line('2', { guardrails: [] }),
      line('3', { messages: begun }),
      line('4', { messages: begun.toReversed() }),
    ].join(''),
  );
  const { exitCode, stdout } = await cli(['batch', '--model', pair.folder, ...runtime, '--records', '-'], { stdin });
  assert.equal(exitCode, 6);
  const [one, safe, guarded, prefix, late] = stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  assert.deepEqual([one.custom_id, one.error, one.response.status_code], ['0', null, 200]);
  const { object, choices, usage, pixtral } = one.response.body;
  assert.equal(object, 'chat.completion');
  assert.deepEqual(Object.keys(choices[0]), ['index', 'message', 'finish_reason']);
  assert.deepEqual(Object.keys(choices[0].message), ['role', 'content', 'tool_calls', 'prefix']);
  assert.deepEqual([usage.completion_tokens, pixtral.sampling.seed, pixtral.sampling.temperature], [3, 7, 0.5]);
  assert.match(safe.error.message, /line 2: body: safe_prompt: is true, expected false/);
  assert.match(guarded.error.message, /line 3: body: guardrails is not supported/);
  assert.equal(prefix.error, null);
  assert.match(late.error.message, /messages\[0\]\.prefix: is true, expected it of an assistant at the end/);
});
