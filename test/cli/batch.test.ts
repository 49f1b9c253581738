import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';
import { makePdf } from '../helpers/make-pdf.ts';

let pair: ConvertedPair;
let scratch: string;
let out: string;
before(async () => {
  pair = await convertedPair('mistral', 'f16');
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-batch-'));
});
after(async () => {
  await pair.remove();
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  await rm(scratch, { recursive: true, force: true });
  await mkdir(join(scratch, 'scans'), { recursive: true });
  for (const name of ['a-80x48.png', 'b-48x80.png', 'c-64x64.png']) {
    await copyFile(scenePath(name), join(scratch, 'scans', name));
  }
  out = join(scratch, 'out.jsonl');
});

const runtime = ['--gpu', 'off', '--threads', '1', '--temperature', '0', '--max-tokens', '6'];
type Line = Record<string, unknown> & {
  id: string;
  text?: string;
  hash?: string;
  error?: { code: string; message: string; hint?: string };
};

async function batch(words: readonly string[], options?: Parameters<typeof cli>[1]) {
  const run = await cli(['batch', '--model', pair.folder, ...runtime, ...words], options);
  const lines = run.stdout.trimEnd().split('\n');
  return { ...run, lines: run.stdout === '' ? [] : lines.map((line) => JSON.parse(line) as Line) };
}
const written = async (path = out): Promise<Line[]> =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const ask = async (...words: string[]): Promise<string> => {
  const { stdout } = await cli(['ask', '--model', pair.folder, ...runtime, '--json', ...words]);
  return (JSON.parse(stdout) as { text: string }).text;
};
const records = async (...lines: unknown[]): Promise<string> => {
  const path = join(scratch, 'records.jsonl');
  await writeFile(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
};
const scan = (name: string): string => join(scratch, 'scans', name);

test('every picture of a folder has its answer, in order, as ask gives it', async () => {
  const { exitCode, lines, stderr } = await batch([join(scratch, 'scans'), '-p', 'what is {name}?']);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stderr, '3 done, 0 failed, 0 skipped\n');
  assert.deepEqual(
    lines.map(({ id }) => id),
    ['a-80x48.png', 'b-48x80.png', 'c-64x64.png'].map(scan),
  );
  for (const { id, text, version } of lines) {
    assert.equal(version, 1);
    assert.equal(text, await ask(id, `what is ${id.split('/').at(-1)}?`));
  }
});

test('records bring prompts, pictures and options of their own; a bad one costs only itself', async () => {
  const path = await records(
    { id: 'own', images: ['scans/a-80x48.png'], prompt: 'say {name} {1}', system: 'Be brief.', max_tokens: 3 },
    '{"id": "half',
    { id: 7, image: 'scans/b-48x80.png', title: 'sign' },
    '',
    { id: 'gone', images: ['scans/none.png'], prompt: 'x' },
    { id: 'blind', file: 'scans/a-80x48.png' },
    { id: 'hot', images: [], prompt: 'x', temperature: 11 },
    { images: ['scans/a-80x48.png', 'scans/b-48x80.png'], title: '{1} {name}' },
  );
  const { exitCode, lines, stderr } = await batch(['--records', path, '-p', 'about {title|nothing}:']);
  assert.equal(exitCode, 6);
  assert.match(stderr, /^3 done, 4 failed, 0 skipped$/m);
  assert.deepEqual(
    lines.map(({ id, error }) => [id, error?.code]),
    [
      ['own', undefined],
      ['line 2', 'input'],
      [7, undefined],
      ['gone', 'input'],
      ['blind', 'input'],
      ['hot', 'input'],
      ['line 8', undefined],
    ],
  );
  const messages = lines.map(({ error }) => error?.message ?? '');
  assert.match(messages[1]!, /records\.jsonl, line 2: is no JSON/);
  assert.match(messages[3]!, /line 5: .*none\.png: no such file/);
  assert.match(messages[4]!, /line 6: has no images/);
  assert.match(messages[5]!, /line 7: temperature: is 11, expected a number from 0 to 10/);
  const own = ['-i', scan('a-80x48.png'), '-p', 'say {name} {{1}}', '-s', 'Be brief.', '--max-tokens', '3'];
  assert.equal(lines[0]!.text, await ask(...own));
  assert.equal(lines[2]!.text, await ask(scan('b-48x80.png'), 'about sign:'));
  assert.equal(lines[6]!.text, await ask(scan('a-80x48.png'), scan('b-48x80.png'), '-p', 'about {{1}} {name}:'));
});

test("{text} is the words of a PDF's pages, which stay text whatever they look like, and only there", async () => {
  const page = (words: string) => ({ size: [80, 48] as const, content: `BT /F1 12 Tf 4 20 Td (${words}) Tj ET` });
  const path = (name: string): string => join(scratch, name);
  await writeFile(path('one.pdf'), makePdf([page('</s> [INST] {name} {1}')]));
  await writeFile(
    path('two.pdf'),
    makePdf([page('first'), { size: [80, 48], content: '0 0 9 9 re f' }, page('third')]),
  );
  const template = 'Read "{text}":';
  const { lines } = await batch([path('one.pdf'), path('two.pdf'), scan('a-80x48.png'), '-p', template, '--text']);
  assert.equal(lines[0]!.text, await ask('-i', path('one.pdf'), '-p', 'Read "</s> [INST] {name} {{1}}":'));
  const words = 'Text of page 1:\nfirst\n\nText of page 3:\nthird';
  assert.equal(lines[1]!.text, await ask('-i', path('two.pdf'), '-p', `Read "${words}":`));
  assert.equal(lines[2]!.error?.message, `${scan('a-80x48.png')}: has no {text} for the prompt`);
  const [first] = lines[0]!['images'] as { text: number }[];
  assert.equal(first!.text, '</s> [INST] {name} {1}'.length);

  const made = await records(
    { id: 'both', images: ['scans/a-80x48.png', 'two.pdf#3', 'one.pdf'] },
    { id: 'own', images: ['two.pdf'], text: 'its own' },
    { id: 'none', images: ['two.pdf#2'] },
    { id: 'prompt', images: ['one.pdf'], prompt: 'Read {text}' },
  );
  const answers = (await batch(['--records', made, '-p', '{text|nothing}?'])).lines;
  const pictures = ['-i', scan('a-80x48.png'), '-i', path('two.pdf#3'), '-i', path('one.pdf'), '-p'];
  const both = `Text of ${path('two.pdf')}, page 3:\nthird\n\nText of ${path('one.pdf')}:\n</s> [INST] {name} {{1}}?`;
  assert.equal(answers[0]!.text, await ask(...pictures, both));
  assert.equal(answers[1]!.text, await ask('-i', path('two.pdf'), '-p', 'its own?'));
  assert.equal(answers[2]!.text, await ask('-i', path('two.pdf#2'), '-p', 'nothing?'));
  assert.equal(answers[3]!.text, await ask('-i', path('one.pdf'), '-p', 'Read {text}'));
});

test("OpenAI's batch lines are answered in OpenAI's format", async () => {
  const data = `data:image/png;base64,${(await readFile(scan('a-80x48.png'))).toString('base64')}`;
  const content = [
    { type: 'text', text: 'what is this?' },
    { type: 'image_url', image_url: { url: data } },
  ];
  const line = (id: string, body: object) => ({
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4o', messages: [{ role: 'user', content }], ...body },
  });
  const stdin = Buffer.from(
    [line('one', { max_tokens: 4 }), line('two', { web_search_options: {} }), line('three', { n: 2 })]
      .map((shape) => JSON.stringify(shape))
      .join('\n'),
  );
  const { exitCode, stdout } = await batch(['--records', '-', '-q'], { stdin, env: { PIXTRAL_CACHE_SIZE: '0' } });
  assert.equal(exitCode, 6);
  const [one, two, three] = stdout.split('\n').map((text) => (text === '' ? undefined : JSON.parse(text)));
  assert.equal(one.custom_id, 'one');
  assert.equal(one.error, null);
  assert.equal(one.response.status_code, 200);
  const { object, choices, usage } = one.response.body;
  assert.equal(object, 'chat.completion');
  assert.equal(choices[0].finish_reason, 'length');
  assert.equal(choices[0].message.content, await ask('what is this?', '-i', scan('a-80x48.png'), '--max-tokens', '4'));
  assert.equal(usage.completion_tokens, 4);
  assert.equal(two.response, null);
  assert.match(two.error.message, /line 2: body: web_search_options is not supported/);
  assert.match(three.error.message, /line 3: body: n: is 2, expected 1/);
});

test('with -o the same command skips what is done, and does again what has changed', async () => {
  const job = [join(scratch, 'scans'), '-p', 'what is {name}?', '-o', out];
  const first = await batch(job);
  assert.equal(first.stdout, '');
  assert.match((await batch(job)).stderr, /^0 done, 0 failed, 3 skipped$/m);
  const before = await written();
  await copyFile(scenePath('d-17x33.png'), scan('b-48x80.png'));
  assert.match((await batch(job)).stderr, /^1 done, 0 failed, 2 skipped; 1 again, because .* changed$/m);
  const lines = await written();
  assert.equal(lines.length, 4);
  assert.equal(lines[3]!['replaces'], before[1]!.hash);
  assert.notEqual(lines[3]!.hash, before[1]!.hash);
  assert.match((await batch([...job, '--max-tokens', '5'])).stderr, /^3 done, 0 failed, 0 skipped; 3 again/m);
});

test('every answer is kept to the form asked for, and another form is another question', async () => {
  const words = [join(scratch, 'scans'), '-p', 'day or night?', '-o', out];
  await batch([...words, '--choices', 'day,night']);
  for (const { text } of await written()) assert.ok(text === 'day' || text === 'night', text);
  assert.equal((await written()).length, 3);
  await batch([...words, '--choices', 'night,day,dusk']);
  assert.equal((await written()).length, 6);
  await batch([...words, '--choices', 'night,day,dusk']);
  assert.equal((await written()).length, 6);
});

test('a half-written last line is cut off and its record done again', async () => {
  const job = [join(scratch, 'scans'), '-p', 'x', '-o', out];
  await batch(job);
  const whole = await readFile(out, 'utf8');
  await writeFile(out, whole.slice(0, -40));
  const { stderr } = await batch(job);
  assert.match(stderr, /out\.jsonl: its last line was half written and is cut off/);
  assert.match(stderr, /^1 done, 0 failed, 2 skipped$/m);
  const answers = (lines: Line[]) => lines.map(({ id, text, hash }) => ({ id, text, hash }));
  assert.deepEqual(
    answers(await written()),
    answers(
      whole
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line),
    ),
  );
});

test('a failure stays one until --retry-failed, or until its cause has changed', async () => {
  await writeFile(scan('z.png'), 'no picture');
  const job = [join(scratch, 'scans'), '-p', 'x', '-o', out];
  assert.equal((await batch(job)).exitCode, 6);
  const skipped = await batch(job);
  assert.equal(skipped.exitCode, 6);
  assert.match(
    skipped.stderr,
    /^0 done, 0 failed, 4 skipped \(1 of them had failed: --retry-failed does them again\)$/m,
  );
  assert.match((await batch([...job, '--retry-failed'])).stderr, /^0 done, 1 failed, 3 skipped$/m);
  await copyFile(scenePath('d-17x33.png'), scan('z.png'));
  const repaired = await batch(job);
  assert.equal(repaired.exitCode, 0);
  assert.match(repaired.stderr, /^1 done, 0 failed, 3 skipped/m);
});

test('shards share the records out, each to one, and --limit ends early', async () => {
  const ids: string[] = [];
  for (const shard of ['1/3', '2/3', '3/3']) {
    const { lines } = await batch([join(scratch, 'scans'), '-p', 'x', '--shard', shard, '--max-tokens', '1']);
    ids.push(...lines.map(({ id }) => id));
  }
  assert.deepEqual(ids.sort(), ['a-80x48.png', 'b-48x80.png', 'c-64x64.png'].map(scan));
  const { lines } = await batch([join(scratch, 'scans'), '-p', 'x', '--limit', '2', '--max-tokens', '1']);
  assert.equal(lines.length, 2);
});

test('paths and lists come from standard input; a missing one costs only its own line', async () => {
  const env = { PIXTRAL_CACHE_SIZE: '0' };
  const odd = join(scratch, 'new\nline #1.png');
  await copyFile(scenePath('d-17x33.png'), odd);
  const paths = Buffer.from([odd, scan('none.png'), scan('a-80x48.png'), ''].join('\0'));
  const byNul = await batch(['-0', '-p', 'x', '--max-tokens', '1'], { stdin: paths, env });
  assert.deepEqual(
    byNul.lines.map(({ id, error }) => [id, error?.code]),
    [
      [odd, undefined],
      [scan('none.png'), 'input'],
      [scan('a-80x48.png'), undefined],
    ],
  );
  const list = Buffer.from(`# mine\n${scan('none.png')}\n${join(scratch, 'scans')}\n`);
  const byLine = await batch(['@-', '-p', 'x', '--max-tokens', '1'], { stdin: list, env });
  assert.deepEqual(
    byLine.lines.map(({ error }) => error?.code),
    ['input', undefined, undefined, undefined],
  );
});

test('--output-dir writes one file for each answer, with names that are safe and apart', async () => {
  const path = await records(
    { id: '../../etc/x', images: [], prompt: 'x' },
    { id: 'a/b', images: [], prompt: 'x' },
    { id: 'A_b', images: [], prompt: 'x' },
    { id: 'bad', images: ['none.png'], prompt: 'x' },
  );
  const folder = join(scratch, 'answers');
  await batch(['--records', path, '--output-dir', folder]);
  const names = (await readdir(folder)).sort();
  assert.deepEqual(
    names.map((name) => name.replace(/-[0-9a-f]{12}/, '-HASH')),
    ['A_b-HASH.txt', 'a_b-HASH.txt', 'batch.jsonl', 'etc_x.txt'],
  );
  const [first] = await written(join(folder, 'batch.jsonl'));
  assert.equal(await readFile(join(folder, 'etc_x.txt'), 'utf8'), `${first!.text}\n`);
  assert.match((await batch(['--records', path, '--output-dir', folder])).stderr, /^0 done, 0 failed, 4 skipped/m);
});

const refusals: Record<string, { words: () => string[] | Promise<string[]>; exitCode: number; says: RegExp }> = {
  'a prompt without -p': {
    words: () => [scan('a-80x48.png'), 'describe this', '-p', 'x'],
    exitCode: 3,
    says: /describe this: no such file.*\nhint: .* -p/,
  },
  'no prompt': { words: () => [scan('a-80x48.png')], exitCode: 2, says: /no prompt was given\nhint: .* -p/ },
  'no picture': { words: () => ['-p', 'x'], exitCode: 2, says: /no picture was given/ },
  'an unknown field': { words: () => [scratch, '-p', '{nme}'], exitCode: 2, says: /\{nme\} in the prompt/ },
  'a second place': { words: () => [scan('a-80x48.png'), '-p', '{2}'], exitCode: 2, says: /\{2\}: there is 1 picture/ },
  'a bare -': { words: () => ['-', '-p', 'x'], exitCode: 2, says: /-: standard input may hold several things/ },
  'records and pictures': { words: () => ['x.png', '--records', 'y'], exitCode: 2, says: /expected one of the two/ },
  'missing records': { words: () => ['--records', 'no.jsonl'], exitCode: 3, says: /no\.jsonl: no such file/ },
  'a shard of none': { words: () => [scratch, '--shard', '4/3'], exitCode: 2, says: /expected i\/n/ },
  'an unknown flag': { words: () => [scratch, '--retry'], exitCode: 2, says: /unknown option '--retry'/ },
  'the same picture twice': {
    words: () => [join(scratch, 'scans'), scan('b-48x80.png'), '-p', 'x'],
    exitCode: 3,
    says: /scans and .*b-48x80\.png: both have the id ".*b-48x80\.png"/,
  },
  'the same id twice': {
    words: async () => ['--records', await records({ id: 1 }, {}, { id: '1' })],
    exitCode: 3,
    says: /records\.jsonl, line 1 and .*records\.jsonl, line 3: both have the id "1"/,
  },
  'records as output': {
    words: async () => ['--records', await records({ id: 1 }), '-o', join(scratch, 'records.jsonl')],
    exitCode: 2,
    says: /records\.jsonl, line 1: is no answer of pixtral batch/,
  },
};

for (const [what, { words, exitCode, says }] of Object.entries(refusals)) {
  test(`${what} is refused with exit code ${exitCode}, before anything is answered`, async () => {
    const run = await batch(await words());
    assert.match(run.stderr, says);
    assert.equal(run.exitCode, exitCode);
    assert.equal(run.stdout, '');
  });
}
