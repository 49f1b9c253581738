import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let pair: ConvertedPair;
let scratch: string;
before(async () => {
  pair = await convertedPair('mistral', 'f16');
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-hostile-'));
});
after(async () => {
  await pair.remove();
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch);
});

interface Line {
  id: string | number;
  text?: string;
  error?: { code: string; message: string };
}

async function batch(lines: readonly (string | object)[], ...flags: string[]) {
  const path = join(scratch, 'records.jsonl');
  await writeFile(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  const words = ['--records', path, '--gpu', 'off', '--threads', '1', '--temperature', '0', '--max-tokens', '3'];
  const run = await cli(['batch', '--model', pair.folder, ...words, ...flags]);
  return { ...run, lines: linesOf(run.stdout) };
}

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

/** @param id as JSON */
const record = (id: string): string => `{"id":${id},"images":[],"prompt":"x"}`;

test('an id that JSON cannot write again is an error of its record, and no other is lost', async () => {
  const ids = ['1e999', '-1e999', '9007199254740993', '1e300', 'true', '{}', '[1]'];
  const { exitCode, lines } = await batch([...ids.map(record), record('"whole"'), record('-1.5')]);
  assert.equal(exitCode, 6);
  assert.equal(lines.length, ids.length + 2);
  for (const [index, line] of lines.slice(0, ids.length).entries()) {
    assert.equal(line.id, `line ${index + 1}`);
    assert.equal(line.error?.code, 'input');
    assert.match(line.error.message, /: id: is .*, expected a text or a number/);
  }
  assert.deepEqual(
    lines.slice(ids.length).map(({ id, error }) => [id, error]),
    [
      ['whole', undefined],
      [-1.5, undefined],
    ],
  );
});

test('ids of any length and of half characters have a file each', async () => {
  const ids = ['é'.repeat(119), '語'.repeat(120), '😀'.repeat(60), `a${'x'.repeat(118)}😀`, 'n'.repeat(5000)];
  ids.push('a\ud800', 'a\udfff', 'a\ud801', 'caf\u00e9', 'cafe\u0301', '\ud800'.repeat(300));
  const out = join(scratch, 'answers');
  const { exitCode, stderr, lines } = await batch(
    ids.map((id) => record(JSON.stringify(id))),
    '--output-dir',
    out,
  );
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(lines, []);
  const files = (await readdir(out)).filter((name) => name.endsWith('.txt'));
  assert.equal(files.length, ids.length);
  for (const name of files) assert.ok(Buffer.byteLength(`${name}.part`) <= 255, name);
  const written = linesOf(await readFile(join(out, 'batch.jsonl'), 'utf8'));
  assert.deepEqual(
    written.map(({ id }) => id),
    ids,
  );
});

for (const role of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
  test(`the role ${role} is refused by its name`, async () => {
    const body = `{"messages":[{"role":"${role}","content":"x"}],"${role}":1}`;
    const { exitCode, lines } = await batch([
      `{"custom_id":"a","url":"/v1/chat/completions","body":{"messages":[{"role":"${role}","content":"x"}]}}`,
      `{"custom_id":"b","url":"/v1/chat/completions","body":${body}}`,
      `{"id":"c","images":[],"prompt":"x","${role}":{"toString":1}}`,
    ]);
    assert.equal(exitCode, 6);
    assert.match(lines[0]!.error!.message, /role: is ".*", expected one of system, developer, user, assistant/);
    assert.match(lines[1]!.error!.message, /is not supported/);
    assert.equal(lines[2]!.error, undefined);
  });
}

test('a record that is nested thousands of levels deep is an error of its own', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const objects = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
  const { exitCode, lines } = await batch([
    `{"id":"images","images":${deep},"prompt":"x"}`,
    `{"id":"prompt","images":[],"prompt":${objects}}`,
    `{"id":"schema","images":[],"prompt":"x","schema":${objects}}`,
    deep,
    `{"id":"text","images":[],"prompt":${JSON.stringify('[{'.repeat(600))}}`,
  ]);
  assert.equal(exitCode, 6);
  for (const { error } of lines.slice(0, 4)) {
    assert.equal(error?.code, 'input');
    assert.match(error.message, /is nested more than 500 levels deep/);
  }
  assert.match(lines[4]!.text ?? lines[4]!.error!.message, /^(?!.*bug)/);
});

/** Runs a batch and does something to its files when the first line is there. */
async function disturbed(disturb: (out: string) => Promise<void>, count = 200) {
  const out = join(scratch, 'out.jsonl');
  const path = join(scratch, 'records.jsonl');
  const lines = Array.from({ length: count }, (_, index) => record(`"r${index}"`));
  await writeFile(path, `${lines.join('\n')}\n`);
  const words = ['--records', path, '--gpu', 'off', '--threads', '1', '--temperature', '0', '--max-tokens', '3'];
  const state = { isDone: false };
  const running = cli(['batch', '--model', pair.folder, ...words, '-o', out, '--parallel', '1']).finally(() => {
    state.isDone = true;
  });
  while (!state.isDone && (await readFile(out).catch(() => Buffer.alloc(0))).byteLength === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await disturb(out);
  return running;
}

for (const [what, disturb, says] of [
  ['removed', (out: string) => rm(out), /was removed or renamed/],
  ['renamed', (out: string) => rename(out, `${out}.old`), /was removed or renamed/],
  ['emptied', (out: string) => truncate(out, 0), /was replaced or changed/],
  ['replaced', async (out: string) => (await rm(out), await writeFile(out, '')), /was replaced or changed/],
] as const) {
  test(`an output that is ${what} while the batch runs ends it with 5`, async () => {
    const { exitCode, stderr } = await disturbed(disturb);
    assert.match(stderr, says);
    assert.equal(exitCode, 5);
  });
}

test('records that are rewritten while the batch runs are errors of their own, never answers under another id', async () => {
  const { exitCode, stderr } = await disturbed(async () => {
    const path = join(scratch, 'records.jsonl');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replaceAll('"prompt":"x"', '"prompt":"y"'));
  });
  assert.equal(exitCode, 6, stderr);
  const lines = linesOf(await readFile(join(scratch, 'out.jsonl'), 'utf8'));
  assert.equal(lines.length, 200);
  const failed = lines.filter(({ error }) => error);
  assert.ok(failed.length > 0);
  for (const { error } of failed) assert.match(error!.message, /line \d+: has changed since the batch began/);
});

test('a password in a record that is no JSON is not shown', async () => {
  const { exitCode, stdout, stderr } = await batch(['{"id":"a","images":e:s3cret@127.0.0.1/a.png"],"prompt":"x"}']);
  assert.equal(exitCode, 6);
  assert.match(stdout, /records\.jsonl, line 1: is no JSON: Unexpected token 'e'/);
  assert.doesNotMatch(stdout + stderr, /s3c/);
});
