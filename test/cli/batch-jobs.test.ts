import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { type JobLine, jobLines, resultLine, wordsOf } from '../helpers/batch-host.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';

let scratch: string;
let jobs: string;
let out: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-jobs-'));
  jobs = join(scratch, 'jobs');
  out = join(scratch, 'answers.jsonl');
  await mkdir(join(scratch, 'scans'));
  for (const name of ['a-80x48.png', 'b-48x80.png']) await copyFile(scenePath(name), join(scratch, 'scans', name));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

type Host = 'openai' | 'mistral' | 'vllm';
const split = (words: readonly string[], { host = 'openai', ...options }: { host?: Host; stdin?: Buffer } = {}) =>
  cli(['batch', 'split', '--for', host, '--model', 'px', '-o', jobs, ...words], options);
const merge = (...words: string[]) => cli(['batch', 'merge', jobs, ...words]);
const save = async (name: string, ...lines: unknown[]): Promise<string> => {
  const path = join(scratch, name);
  await writeFile(path, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return path;
};
type Line = Record<string, unknown> & { id: string; text?: string; hash?: string; error?: { message: string } };
const linesIn = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
const said = (lines: readonly Line[]) => lines.map(({ id, text, error }) => [id, text ?? error?.message]);
const texts = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `r${index}`, images: [], prompt: `prompt ${index}` }));
const echo = (line: JobLine): string => resultLine.answer(line.custom_id, `about ${wordsOf(line)}`);

test('pictures travel as the very pixels that view shows, and answers come back as lines of batch', async () => {
  const scan = join(scratch, 'scans', 'a-80x48.png');
  const run = await split([join(scratch, 'scans'), '-p', 'what is {name}?', '-s', 'Be brief.', '--seed', '7']);
  assert.deepEqual([run.exitCode, run.stdout], [0, `${join(jobs, 'job-0001.jsonl')}\n`], run.stderr);
  const [first, second] = await jobLines(jobs);
  const { messages, ...parameters } = first!.body;
  assert.deepEqual(parameters, { model: 'px', max_completion_tokens: 1024, temperature: 0.35, top_p: 0.8, seed: 7 });
  assert.deepEqual([first!.method, first!.url], ['POST', '/v1/chat/completions']);
  const [system, user] = messages;
  assert.deepEqual(system, { role: 'system', content: 'Be brief.' });
  const [picture, text] = user!.content as { type: string; text?: string; image_url?: { url: string } }[];
  assert.deepEqual(text, { type: 'text', text: 'what is a-80x48.png?' });
  const sent = join(scratch, 'sent.png');
  await writeFile(sent, Buffer.from(picture!.image_url!.url.replace(/^data:image\/png;base64,/, ''), 'base64'));
  const [seen, again] = [join(scratch, 'seen.png'), join(scratch, 'again.png')];
  await cli(['view', scan, '-o', seen]);
  await cli(['view', sent, '-o', again]); // and its resize has nothing to do
  assert.deepEqual(await readFile(again), await readFile(seen));

  const results = await save('results.jsonl', echo(second!), echo(first!));
  const merged = await merge(results, '-o', out);
  assert.deepEqual([merged.exitCode, merged.stdout], [0, ''], merged.stderr);
  assert.equal(merged.stderr, '2 answered, 0 failed, 0 missing, 0 written before\n');
  const [line] = linesIn(await readFile(out, 'utf8'));
  assert.deepEqual(Object.keys(line!).slice(0, 5), ['version', 'id', 'hash', 'model', 'text']);
  assert.deepEqual([line!.id, line!['model'], line!.text], [scan, 'px-served', 'about what is a-80x48.png?']);
  assert.deepEqual(line!['usage'], { prompt: 50, image: 18, completion: 3 });
  const [receipt] = line!['images'] as { seen: number[]; tokens: number; cached: boolean }[];
  assert.deepEqual([receipt!.seen, receipt!.tokens, receipt!.cached], [[80, 48], 18, false]);
  assert.match((await merge(results, '-o', out)).stderr, /^0 answered, 0 failed, 0 missing, 2 written before$/m);
  assert.equal(linesIn(await readFile(out, 'utf8')).length, 2);
});

const questions = [
  { id: 'schema', images: [], prompt: 'x', schema: { type: 'object', properties: { n: { type: 'integer' } } } },
  { id: 'choice', images: [], prompt: 'x', choices: ['day', 'night'], stop: [] },
  { id: 'object', images: [], prompt: 'x', json_object: true },
  { id: 'grammar', images: [], prompt: 'x', grammar: 'root ::= [0-9]+' },
  { id: 'top-k', images: [], prompt: 'x', top_k: 5 },
  { id: 'logprobs', images: [], prompt: 'x', logprobs: 2 },
  { id: 'many logprobs', images: [], prompt: 'x', logprobs: 21 },
  { id: 'off', images: [], prompt: 'x', reasoning: 'off' },
  { id: 'hot', images: [], prompt: 'x', temperature: 3 },
  { id: 'stops', images: [], prompt: 'x', stop: ['a', 'b', 'c', 'd', 'e'] },
  { id: 'decide', images: ['scans/a-80x48.png'], questions: [{ name: 'q', type: 'predicate', instructions: 'red?' }] },
];
/** What each host cannot do; everything else is asked. */
const refused: Record<Host, string[]> = {
  openai: ['grammar', 'top-k', 'many logprobs', 'off', 'hot', 'stops', 'decide'],
  mistral: ['grammar', 'top-k', 'logprobs', 'many logprobs', 'hot', 'decide'],
  vllm: ['many logprobs', 'off', 'decide'],
};

for (const host of ['openai', 'mistral', 'vllm'] as const) {
  test(`what ${host} cannot do is refused by name, and costs only its record`, async () => {
    const run = await split(['--records', await save('records.jsonl', ...questions)], { host });
    assert.equal(run.exitCode, 6);
    const { exitCode, stdout } = await merge('-q', await save('none.jsonl'));
    assert.equal(exitCode, 6);
    const failed = linesIn(stdout);
    assert.deepEqual(
      failed.map(({ id }) => id),
      refused[host],
      run.stderr,
    );
    for (const { id, error } of failed) assert.match(error!.message, /line \d+: /, id);
    const lines = await jobLines(jobs);
    assert.equal(lines.length, questions.length - refused[host].length);
    for (const line of lines) {
      assert.equal('url' in line, host !== 'mistral');
      assert.equal('model' in line.body, host !== 'mistral');
      assert.equal('random_seed' in line.body, host === 'mistral');
    }
  });
}

const weather = { type: 'function', function: { name: 'weather', parameters: { type: 'object', z: 1.0, a: 1 } } };
const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } };
const conversation = [
  { role: 'user', content: 'Is it warm?' },
  { role: 'assistant', content: null, tool_calls: [{ ...call, id: 'abcdefghi' }] },
  { role: 'tool', tool_call_id: 'abcdefghi', content: '17.0' },
];

test('tools, calls and their results travel as they were written, and an answer asks for tools', async () => {
  const tools = '[{"type":"function","function":{"name":"weather","parameters":{"type":"object","z":1.0,"a":1}}}]';
  const record = `{"id":"a","messages":${JSON.stringify(conversation)},"tools":${tools},"tool_choice":"required"}`;
  const other = { id: 'b', messages: conversation.slice(0, 1), tools: [weather], tool_choice: 'required' };
  for (const host of ['openai', 'mistral', 'vllm'] as const) {
    await rm(jobs, { recursive: true, force: true });
    await split(['--records', await save('records.jsonl', record, other)], { host });
    const [text] = (await readFile(join(jobs, 'job-0001.jsonl'), 'utf8')).split('\n');
    assert.match(text!, /"z": ?1\.0, ?"a": ?1/, host);
    const [line, second] = await jobLines(jobs);
    assert.deepEqual(line!.body.messages.slice(1), conversation.slice(1), host);
    assert.equal(line!.body['tool_choice'], 'required');
    const asking = { finish: 'tool_calls', message: { content: null, tool_calls: [call] } };
    const results = await save(
      'results.jsonl',
      resultLine.answer(line!.custom_id, '', asking),
      resultLine.answer(second!.custom_id, 'It is.'),
    );
    const [asked, broken] = linesIn((await merge('-q', results)).stdout);
    assert.deepEqual([asked!['tool_calls'], asked!.text, asked!['finish']], [[call], '', 'stop'], host);
    assert.match(broken!.error!.message, /no tool is asked for, expected one/);
  }
});

test('log-probabilities and thoughts are told where they were asked for', async () => {
  const records = [
    { id: 'a', images: [], prompt: 'x', logprobs: 1, reasoning: 'show', reasoning_effort: 'high' },
    { id: 'b', images: [], prompt: 'x' },
  ];
  await split(['--records', await save('records.jsonl', ...records)], { host: 'vllm' });
  const lines = await jobLines(jobs);
  const { logprobs, top_logprobs: top, reasoning_effort: effort } = lines[0]!.body;
  assert.deepEqual([logprobs, top, effort], [true, 1, 'high']);
  const content = ['hm', '[/THINK]', 'A', ' cat'].map((token) => ({
    token,
    logprob: -1,
    bytes: null,
    top_logprobs: [],
  }));
  const more = { message: { reasoning: 'hm' }, logprobs: { content } };
  const results = await save('results.jsonl', ...lines.map((line) => resultLine.answer(line.custom_id, 'A cat', more)));
  const [told, plain] = linesIn((await merge('-q', results)).stdout);
  assert.equal(told!['reasoning'], 'hm');
  assert.deepEqual(
    (told!['logprobs'] as { token: string }[]).map(({ token }) => token),
    ['A', ' cat'],
  );
  assert.deepEqual([plain!.text, plain!['reasoning'], plain!['logprobs']], ['A cat', undefined, undefined]);
});

test('an answer that does not keep to its form is a failure of that record, whatever the host says', async () => {
  const asked = questions.slice(0, 4);
  await split(['--records', await save('records.jsonl', ...asked)], { host: 'vllm' });
  const lines = await jobLines(jobs);
  const answered = async (name: string, ...answers: string[]) =>
    linesIn(
      (await merge('-q', await save(name, ...lines.map((line, at) => resultLine.answer(line.custom_id, answers[at]!)))))
        .stdout,
    );
  const right = await answered('right.jsonl', '{"n":1}', 'night', '{}', '12');
  assert.deepEqual(
    right.map(({ text, data, error }) => [text, data, error]),
    [
      ['{"n":1}', { n: 1 }, undefined],
      ['night', undefined, undefined],
      ['{}', {}, undefined],
      ['12', undefined, undefined],
    ],
  );
  const wrong = await answered('wrong.jsonl', '{"n":"1"}', 'dusk', '[]', '1x');
  for (const [at, message] of [/schema says/, /none of the 2 choices/, /no JSON object/, /grammar allows/].entries()) {
    assert.match(wrong[at]!.error!.message, message);
  }
  assert.match((await answered('no.jsonl', '{"n":', 'day', '{}', '12'))[0]!.error!.message, /is no JSON/);
  const cut = lines.map(({ custom_id: id }) => resultLine.answer(id, '{"n":1}', { finish: 'length' }));
  const { stdout } = await merge('-q', await save('cut.jsonl', ...cut));
  assert.match(linesIn(stdout)[0]!.error!.message, /was cut after 3 tokens/);
});

test('a choice is asked for as an object where only objects can be, and comes back as the choice', async () => {
  await split(['--records', await save('records.jsonl', questions[1])], { host: 'mistral' });
  const [line] = await jobLines(jobs);
  const { json_schema: named } = line!.body['response_format'] as { json_schema: { schema: object; strict: boolean } };
  assert.equal(named.strict, true);
  assert.match(JSON.stringify(named.schema), /"enum":\["day","night"\]/);
  const { stdout } = await merge(await save('r.jsonl', resultLine.answer(line!.custom_id, '{"answer": "day"}')));
  assert.equal(linesIn(stdout)[0]!.text, 'day');
});

test('errors of every host are failures with their message, and an answer wins over them', async () => {
  await split(['--records', await save('records.jsonl', ...texts(4))]);
  const [a, b, c, d] = await jobLines(jobs);
  const errors = await save(
    'errors.jsonl',
    resultLine.refused(a!.custom_id),
    resultLine.expired(b!.custom_id),
    resultLine.vllm(c!.custom_id),
    resultLine.refused(d!.custom_id, 500),
  );
  const failed = await merge(errors, '-o', out);
  assert.equal(failed.exitCode, 6);
  assert.deepEqual(said(linesIn(await readFile(out, 'utf8'))), [
    ['r0', 'openai: 400: Invalid image.'],
    ['r1', 'openai: This request could not be executed before the window expired.'],
    ['r2', 'openai: 400: The decoder prompt is too long'],
    ['r3', 'openai: 500: Invalid image.'],
  ]);
  assert.match((await merge(errors, '-o', out)).stderr, /0 missing, 4 written before \(4 of them had failed\)/);
  const later = await merge(errors, await save('later.jsonl', echo(d!)), '-o', out);
  assert.match(later.stderr, /^1 answered, 0 failed, 0 missing, 3 written before \(3 of them had failed\)$/m);
  assert.equal(linesIn(await readFile(out, 'utf8')).at(-1)!.text, 'about prompt 3');
});

test('however results are shuffled, repeated, cut and spread over files, each record has its answer once', async () => {
  const records = texts(9);
  await split(['--records', await save('records.jsonl', ...records), '--job-lines', '4']);
  const lines = await jobLines(jobs);
  const whole = new Map(lines.map((line) => [line.custom_id, echo(line)]));
  const piece = fc.record({
    at: fc.nat(8),
    file: fc.nat(2),
    kind: fc.constantFrom('answer', 'error', 'again', 'foreign'),
  });
  const spread = fc.record({
    pieces: fc.array(piece, { maxLength: 30 }),
    cuts: fc.tuple(fc.nat(400), fc.nat(400), fc.nat(400)),
  });
  await fc.assert(
    fc.asyncProperty(spread, async ({ pieces, cuts }) => {
      const files = ['', '', ''];
      for (const { at, file, kind } of pieces) {
        const line = lines[at]!;
        const made = {
          answer: echo(line),
          again: resultLine.answer(line.custom_id, `about ${wordsOf(line)}`, { created: 2 }),
          error: resultLine.refused(line.custom_id),
          foreign: resultLine.answer('px-another', 'believe me'),
        };
        files[file] += `${made[kind]}\n`;
      }
      const cut = files.map((text, at) => text.slice(0, Math.max(0, text.length - cuts[at]!)));
      const paths = ['r0.jsonl', 'r1.jsonl', 'r2.jsonl'].map((name) => join(scratch, name));
      for (const [at, path] of paths.entries()) await writeFile(path, cut[at]!);
      const expected = lines.map(({ custom_id: id }, at) => {
        const own = cut
          .join('\n')
          .split('\n')
          .filter((line) => line.includes(id) && line.endsWith('}') && isJson(line));
        if (own.some((line) => line.includes('"content"')))
          return [`r${at}`, JSON.parse(whole.get(id)!).response.body.choices[0].message.content];
        return own.length > 0 ? [`r${at}`, 'openai: 400: Invalid image.'] : undefined;
      });
      const { stdout, exitCode } = await merge('-q', ...paths);
      assert.deepEqual(
        said(linesIn(stdout)),
        expected.filter((line) => line !== undefined),
      );
      const isWhole = expected.every((line) => line !== undefined && line[1].startsWith('about'));
      assert.equal(exitCode, isWhole ? 0 : 6);
    }),
    { numRuns: 60 },
  );
});

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test('merging in as many steps as there are files ends where merging at once does', async () => {
  await split(['--records', await save('records.jsonl', ...texts(6)), '--job-lines', '2']);
  const lines = await jobLines(jobs);
  const paths = await Promise.all(lines.map((line, at) => save(`r${at}.jsonl`, echo(line))));
  for (const path of paths.toReversed()) await merge(path, '-o', out);
  const once = linesIn((await merge(...paths)).stdout);
  const stepwise = linesIn(await readFile(out, 'utf8'));
  assert.deepEqual(new Set(said(stepwise).map(String)), new Set(said(once).map(String)));
  assert.equal(stepwise.length, 6);
});

test('two different answers to one request are no answer, and what is not ours is named', async () => {
  await split(['--records', await save('records.jsonl', ...texts(3))]);
  const [a, b] = await jobLines(jobs);
  const one = await save(
    'one.jsonl',
    resultLine.answer(a!.custom_id, 'red'),
    echo(b!),
    '{"custom_id":"px-1","response":null,"error":"x"}',
  );
  const two = await save('two.jsonl', resultLine.answer(a!.custom_id, 'blue'), 'no JSON', '{"id":"r2","text":"mine"}');
  await writeFile(two, (await readFile(two, 'utf8')) + echo(b!).slice(0, -9));
  for (const paths of [
    [one, two],
    [two, one],
  ]) {
    const { exitCode, stdout, stderr } = await merge(...paths);
    assert.equal(exitCode, 6);
    const lines = linesIn(stdout);
    assert.deepEqual(
      lines.map(({ id }) => id),
      ['r0', 'r1'],
    );
    assert.match(lines[0]!.error!.message, /line 1 and .*line 1: answer the same request differently/);
    assert.equal(lines[1]!.text, 'about prompt 1');
    assert.match(stderr, /one\.jsonl, line 3: "px-1": no record of .*jobs has these custom_ids/);
    assert.match(
      stderr,
      /two\.jsonl, line 2: is no JSON; .*two\.jsonl, line 3: is no result of a batch job: passed over/,
    );
    assert.match(stderr, /two\.jsonl, line 4: end within their last line/);
    assert.match(stderr, /no result for "r2"; with --left/);
    assert.match(stderr, /^1 answered, 1 failed, 1 missing, 0 written before$/m);
  }
});

test('--left makes jobs of what is missing or failed, under ids of their own, until nothing is left', async () => {
  const words = ['--records', await save('records.jsonl', ...texts(5))];
  await split(words);
  const first = await jobLines(jobs);
  const results = await save('r.jsonl', echo(first[0]!), resultLine.expired(first[1]!.custom_id), echo(first[2]!));
  await merge(results, '-o', out);
  const again = await split([...words, '--left', out]);
  assert.equal(again.stdout, `${join(jobs, 'job-0002.jsonl')}\n`);
  const left = (await jobLines(jobs)).slice(5);
  assert.deepEqual(left.map(wordsOf), ['prompt 1', 'prompt 3', 'prompt 4']);
  assert.equal(new Set([...first, ...left].map((line) => line.custom_id)).size, 8);
  // The first job's answers came after all, beside those of the second.
  const late = await save('late.jsonl', resultLine.answer(first[3]!.custom_id, 'late'), ...left.map(echo));
  const done = await merge(results, late, '-o', out);
  assert.equal(done.exitCode, 0, done.stderr);
  const last = new Map(linesIn(await readFile(out, 'utf8')).map(({ id, text }) => [id, text]));
  assert.deepEqual(
    [...last.values()],
    ['about prompt 0', 'about prompt 1', 'about prompt 2', 'late', 'about prompt 4'],
  );
  assert.equal((await split([...words, '--left', out])).stdout, '');
});

test('jobs keep to their limits, and one line too long costs only its record', async () => {
  const records = [...texts(7), { id: 'long', images: [], prompt: 'y'.repeat(3000) }];
  const run = await split([
    '--records',
    await save('records.jsonl', ...records),
    '--job-lines',
    '3',
    '--job-size',
    '1000B',
  ]);
  assert.equal(run.exitCode, 6);
  const names = (await readdir(jobs)).filter((name) => name.startsWith('job')).sort();
  assert.deepEqual(
    run.stdout.trimEnd().split('\n'),
    names.map((name) => join(jobs, name)),
  );
  for (const name of names) {
    const text = await readFile(join(jobs, name), 'utf8');
    assert.ok(text.length <= 1000 && text.split('\n').length <= 4 && text.endsWith('}\n'), name);
  }
  assert.equal((await jobLines(jobs)).length, 7);
  assert.match(run.stderr, /line 8: its line has \d+ bytes, expected at most 1000 of a job/);
});

test('a run that was killed at any point goes on, and every record is in one job', async () => {
  const words = ['--records', await save('records.jsonl', ...texts(6)), '--job-lines', '2'];
  await split(words);
  const whole = await readFile(join(jobs, 'manifest.jsonl'), 'utf8');
  const lines = whole.split('\n');
  const boundaries = lines.map((_, at) => lines.slice(0, at).join('\n').length + (at > 0 ? 1 : 0));
  for (const length of [0, 9, ...boundaries.flatMap((at) => [at, at + 30])]) {
    await writeFile(join(jobs, 'manifest.jsonl'), whole.slice(0, length));
    await writeFile(join(jobs, 'job-0004.jsonl.part'), '{"half');
    const run = await split(words);
    assert.equal(run.exitCode, 0, run.stderr);
    const manifest = (await readFile(join(jobs, 'manifest.jsonl'), 'utf8')).trimEnd().split('\n');
    const records = manifest.map((line) => JSON.parse(line).record).filter((record) => record !== undefined);
    assert.deepEqual(
      records.map(({ id }) => id as string).toSorted((one, other) => one.localeCompare(other)),
      texts(6).map(({ id }) => id),
    );
    for (const { job, customId } of records) {
      const named = (await readFile(join(jobs, job), 'utf8')).split('\n').filter((line) => line.includes(customId));
      assert.equal(named.length, 1, `${length}: ${customId} in ${job}`);
    }
  }
});

test('a record that has changed is asked again, and the answer to what it asked before is passed over', async () => {
  const [first, second] = texts(2);
  await split(['--records', await save('records.jsonl', first, second)]);
  const [old] = await jobLines(jobs);
  await split(['--records', await save('records.jsonl', { ...first, prompt: 'changed' }, second)]);
  const [, , changed] = await jobLines(jobs);
  assert.equal(wordsOf(changed!), 'changed');
  const { stdout, stderr } = await merge(await save('r.jsonl', echo(old!)));
  assert.equal(stdout, '');
  assert.match(stderr, /"r0": answer what these records asked before they were changed, passed over/);
  assert.deepEqual(said(linesIn((await merge(await save('s.jsonl', echo(changed!)))).stdout)), [
    ['r0', 'about changed'],
  ]);
});

test('--by-url leaves pictures at their URLs, and a bad picture fails alone', async () => {
  await writeFile(join(scratch, 'scans', 'z.png'), 'no picture');
  const url = 'https://pictures.example/a.png';
  const record = { id: 'url', images: [url, 'scans/a-80x48.png'], prompt: 'x' };
  const run = await split([
    '--by-url',
    '--detail',
    'low',
    '--records',
    await save('records.jsonl', record, { id: 'bad', images: ['scans/z.png'], prompt: 'x' }),
  ]);
  assert.equal(run.exitCode, 6);
  const [line] = await jobLines(jobs);
  const [there, here] = line!.body.messages[0]!.content as { image_url: { url: string; detail?: string } }[];
  assert.deepEqual(there!.image_url, { url, detail: 'low' });
  assert.match(here!.image_url.url, /^data:image\/png;base64,/);
  const [answered, bad] = linesIn((await merge(await save('r.jsonl', echo(line!)))).stdout);
  assert.equal((answered!['images'] as unknown[]).length, 1);
  assert.match(bad!.error!.message, /z\.png: is a text file, expected a picture/);
});

test('folders named like commands stay folders, and options before a command are not lost in silence', async () => {
  const before = await cli(['batch', '-p', 'x', 'split']);
  assert.deepEqual([before.exitCode, before.stdout], [2, '']);
  assert.match(before.stderr, /--prompt before split: expected options of batch split behind it\nhint: .*\.\/split/);
  const folder = await cli(['batch', './no-such-split', '-p', 'x']);
  assert.match(folder.stderr, /no-such-split/);
  const other = await split([join(scratch, 'scans'), '-p', 'x']);
  assert.equal(other.exitCode, 0);
  assert.match(
    (await split([join(scratch, 'scans'), '-p', 'x'], { host: 'vllm' })).stderr,
    /holds jobs of --for openai --model px/,
  );
  assert.match(
    (await cli(['batch', 'merge', scratch, out])).stderr,
    /has no manifest\.jsonl, expected a folder that pixtral batch split wrote/,
  );
  assert.match((await merge(join(scratch, 'none.jsonl'))).stderr, /none\.jsonl: no such file/);
});
