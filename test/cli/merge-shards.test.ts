import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type StandIn, startStandIn } from '../helpers/stand-in-openai.ts';

let folder: string;
let server: StandIn;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-shards-'));
  server = await startStandIn({ answer: ({ body }) => /number \d+/.exec(JSON.stringify(body))![0] });
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);
const save = async (name: string, lines: readonly object[]): Promise<string> => {
  await writeFile(at(name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return at(name);
};
const picture = scenePath('c-64x64.png');
const numbers = Array.from({ length: 30 }, (_, number) => number);
const records = (name: string, ids: readonly number[] = numbers): Promise<string> =>
  save(
    name,
    ids.map((id) => ({ id, images: [picture], prompt: `number ${id}` })),
  );

/** Answers the parts of a list, each into a file of its own. */
async function shards(list: string, count: number): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, index) => `${list}-${index + 1}-of-${count}.jsonl`);
  for (const [index, path] of paths.entries()) {
    const words = ['--shard', `${index + 1}/${count}`, '-o', path, '--server', server.url, '-q'];
    const { exitCode, stderr } = await cli(['batch', '--records', list, ...words]);
    assert.equal(exitCode, 0, stderr);
  }
  return paths;
}

const merge = (...words: string[]) => cli(['batch', 'merge', ...words]);
const idsIn = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { id: unknown }).id);

test('shards become one file in the order of the records, each line as it was written', async () => {
  const list = await records('whole.jsonl');
  const paths = await shards(list, 3);
  const { exitCode, stdout, stderr } = await merge(list, ...paths.toReversed());
  assert.equal(exitCode, 0, stderr);
  assert.equal(stderr, '30 answered, 0 failed, 0 missing, 0 written before\n');
  assert.deepEqual(idsIn(stdout), numbers);
  const written = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  assert.deepEqual(stdout.split('\n').toSorted(), ['', ...written.join('').trimEnd().split('\n')].toSorted());

  const plain = await merge(...paths);
  assert.deepEqual(idsIn(plain.stdout), written.flatMap(idsIn));
});

test('what a lost node left half written is missing, and is taken in once it was answered', async () => {
  const list = await records('lost.jsonl');
  const paths = await shards(list, 2);
  const text = await readFile(paths[0]!, 'utf8');
  const lost = idsIn(text).at(-1);
  await truncate(paths[0]!, Buffer.byteLength(text) - 30);
  const out = at('lost-merged.jsonl');
  const first = await merge(list, ...paths, '-o', out);
  assert.equal(first.exitCode, 6);
  assert.match(first.stderr, /lost\.jsonl-1-of-2\.jsonl, line \d+: is half written, and passed over/);
  assert.match(
    first.stderr,
    new RegExp(`no answer to "${String(lost)}": the same batch with its --shard and -o goes on`),
  );
  assert.match(first.stderr, /^29 answered, 0 failed, 1 missing, 0 written before$/m);

  await shards(list, 2); // only what is missing is asked
  const second = await merge(list, ...paths, '-o', out);
  assert.deepEqual([second.exitCode, second.stderr], [0, '1 answered, 0 failed, 0 missing, 29 written before\n']);
  const ids = idsIn(await readFile(out, 'utf8'));
  assert.deepEqual([new Set(ids), ids.length], [new Set(numbers), numbers.length]);
});

test('parts of another division may overlap: an answer is there once, and wins over a failure', async () => {
  const list = await records('overlap.jsonl');
  const paths = [...(await shards(list, 2)), ...(await shards(list, 3))];
  const failed = await save('failed.jsonl', [
    { version: 1, id: 4, error: { code: 'machine', message: 'the disk was full' } },
    { version: 1, id: 99, error: { code: 'machine', message: 'the disk was full' } },
  ]);
  for (const files of [
    [...paths, failed],
    [failed, ...paths],
  ]) {
    const { exitCode, stdout, stderr } = await merge(list, ...files);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(idsIn(stdout), numbers);
    assert.match(stderr, /"99": answered, and no record of .*overlap\.jsonl; left out/);
    assert.doesNotMatch(stdout, /disk was full/);
  }
  const alone = await merge(failed, '--json');
  assert.deepEqual([alone.exitCode, idsIn(alone.stdout)], [6, [4, 99]]);
  assert.deepEqual(JSON.parse(alone.stderr), {
    version: 1,
    event: 'end',
    answered: 0,
    failed: 2,
    missing: 0,
    skipped: 0,
    missing_ids: [],
  });
});

test("the last line of a record counts, and lines in OpenAI's form are merged by their custom_id", async () => {
  const body = { messages: [{ role: 'user', content: 'number 7' }] };
  const list = await save('openai.jsonl', [
    { custom_id: 'b', method: 'POST', url: '/v1/chat/completions', body },
    { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body },
  ]);
  const paths = await shards(list, 2);
  await writeFile(list, `\n${await readFile(list, 'utf8')}`);
  const { stdout } = await merge(list, ...paths);
  const customIds = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { custom_id: string }).custom_id);
  assert.deepEqual(customIds, ['b', 'a']);

  const line = { version: 1, id: 'x', hash: '1', text: 'old' };
  const again = await save('again.jsonl', [line, { ...line, hash: '2', replaces: '1', text: 'new' }]);
  assert.match((await merge(again)).stdout, /^\{[^\n]*"text":"new"[^\n]*\}\n$/);
});

test('what cannot be one job is refused, and nothing is written', async () => {
  const line = { version: 1, id: 'x', hash: '1', text: 'one' };
  const one = await save('one.jsonl', [line]);
  const other = await save('other.jsonl', [{ ...line, hash: '2' }]);
  const two = await merge(one, other);
  assert.deepEqual([two.exitCode, two.stdout], [3, '']);
  assert.match(
    two.stderr,
    /one\.jsonl, line 1 and .*other\.jsonl, line 1: both answer record "x", and were asked otherwise/,
  );

  const list = await records('refused.jsonl');
  const foreign = await merge(list, one, list);
  assert.deepEqual([foreign.exitCode, foreign.stdout], [3, '']);
  assert.match(foreign.stderr, /refused\.jsonl, line 1: is no answer, expected what pixtral batch -o wrote/);

  const into = await merge(list, one, '-o', one);
  assert.equal(into.exitCode, 2);
  assert.match(into.stderr, /one\.jsonl: is one of the files to be merged/);
  assert.equal((await merge(one, '--output-dir', folder)).exitCode, 2);
  assert.equal((await merge(folder)).exitCode, 2);
});

test('line ends of another system do not come along, and answers of different models are told', async () => {
  const line = (id: number, model: string) => ({ version: 1, id, hash: `h${id}`, model, text: 'x' });
  const first = await save('first.jsonl', [line(1, 'a'), line(2, 'a')]);
  const second = at('second.jsonl');
  await writeFile(second, `${JSON.stringify(line(3, 'a'))}\r\n${JSON.stringify(line(4, 'b'))}\r\n`);
  const { exitCode, stdout, stderr } = await merge(first, second);
  assert.equal(exitCode, 0, stderr);
  assert.ok(!stdout.includes('\r'));
  assert.deepEqual(idsIn(stdout), [1, 2, 3, 4]);
  assert.match(stderr, /first\.jsonl, line 1 \("a"\), .*second\.jsonl, line 2 \("b"\): answered by different models/);
  assert.doesNotMatch((await merge(first)).stderr, /models/);
});
