import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { type Line, cache, color, decide, howMany, photos, scratch } from '../helpers/decide-drawings.ts';

// A file of decisions that another command goes on with.

const linesOf = async (path: string): Promise<Line[]> =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const asked = (line: Line): string[] => line.answers!.map(({ name }) => name);

test('what an earlier filter did not need is asked when another one needs it', async () => {
  const out = join(scratch, 'partly.jsonl');
  const both = ['-q', howMany, '-q', color, '-o', out] as const;
  const first = await decide(...both, '--where', 'n>5 && color=red');
  assert.match(first.stderr, /4 done/);
  assert.deepEqual((await linesOf(out)).map(asked), [['n'], ['n'], ['n'], ['n', 'color']]);

  const same = await decide(...both, '--where', 'n>5 && color=red');
  assert.match(same.stderr, /0 done, 0 failed, 4 skipped/);
  const other = await decide(...both, '--where', 'color.red>=0');
  assert.match(other.stderr, /3 done, 0 failed, 1 skipped/);
  assert.equal(other.names.length, 4);
  const fresh = await decide('-q', howMany, '-q', color, '--where', 'color.red>=0');
  assert.deepEqual(other.names, fresh.names);

  const all = await decide(...both);
  assert.match(all.stderr, /0 done, 0 failed, 4 skipped/); // a line of a picture that matches has all answers
});

test('--calibration and --unsure of a later run read what an earlier one wrote', async () => {
  const [out, labels] = [join(scratch, 'hot.jsonl'), join(scratch, 'hot-labels.jsonl')];
  // Two pictures of each kind: whichever is held back, the others say that the model is sure of what is wrong.
  const said = { '0063a.png': 6, '0022a.png': 4, '0003a.png': 6, '0006a.png': 6 };
  const lines = Object.entries(said).map(([name, n]) => JSON.stringify({ image: `photos/${name}`, answers: { n } }));
  await writeFile(labels, lines.flatMap((line) => Array<string>(6).fill(line)).join('\n'));
  await decide('-q', howMany, '-o', out);
  const calibrate = ['decide', '--model', 'demo', '--gpu', 'off', '-q', howMany, '--calibrate', labels];
  assert.equal((await cli(calibrate, { env: { PIXTRAL_CACHE: cache } })).exitCode, 0);
  const calibration = ['--calibration', `${labels}.calibration.json`];
  const fresh = await decide('-q', howMany, '--where', 'n.6<0.9', ...calibration);
  assert.ok(fresh.names.includes('0063a.png'));

  const later = await decide('-q', howMany, '--where', 'n.6<0.9', ...calibration, '-o', out);
  assert.match(later.stderr, /0 done, 0 failed, 4 skipped/);
  assert.deepEqual(later.names, fresh.names);
  assert.deepEqual((await decide('-q', howMany, '--where', 'n>=0', '--unsure', '1', '-o', out)).names, []);

  const hot = join(scratch, 'calibrated.jsonl');
  await decide('-q', howMany, ...calibration, '-o', hot);
  const cold = await decide('-q', howMany, '--where', 'n.6>0.99', '-o', hot);
  assert.match(cold.stderr, /0 done, 0 failed, 4 skipped/);
  assert.deepEqual(cold.names, (await decide('-q', howMany, '--where', 'n.6>0.99')).names);
  assert.deepEqual(cold.names, ['0063a.png']);
});

const request = (id: string, url: string, body: object): string =>
  JSON.stringify({ custom_id: id, method: 'POST', url, body });
const pictureOf = (name: string): object[] => [
  { role: 'user', content: [{ type: 'input_image', image_url: `photos/${name}` }] },
];
const criteria = ['1', '2', '3', '4', '5', '6'];
const counted = { type: 'score', name: 'n', instructions: 'how many shapes are there?' };

for (const [form, lineOf] of Object.entries({
  "OpenAI's Decisions": (name: string) =>
    request(name, '/v1/decisions', {
      model: 'x',
      input: pictureOf(name),
      questions: [{ ...counted, levels: criteria.map((label) => ({ label })) }],
    }),
  'System One': (name: string) =>
    request(name, '/v1/systemone', {
      state: null,
      images: [`photos/${name}`],
      questions: { n: { type: 'score', instructions: counted.instructions, criteria } },
    }),
})) {
  test(`answers in the form of ${form} are filtered when they are new and when they are gone on with`, async () => {
    const records = join(scratch, 'forms.jsonl');
    const out = join(scratch, `${form}.jsonl`);
    await writeFile(records, ['0006a.png', '0063a.png', '0003a.png'].map(lineOf).join('\n'));
    const words = ['decide', '--model', 'demo', '--gpu', 'off', '--records', records, '-q', 'n=1..6: not asked'];
    const run = (...more: string[]) => cli([...words, ...more], { env: { PIXTRAL_CACHE: cache } });
    const fresh = await run('--where', 'n>3.5 && n.6<0.5');
    assert.deepEqual([fresh.stdout, fresh.exitCode], ['0006a.png\n', 0], fresh.stderr);
    await run('-o', out);
    const again = await run('-o', out, '--where', 'n>3.5 && n.6<0.5');
    assert.match(again.stderr, /0 done, 0 failed, 3 skipped/);
    assert.deepEqual([again.stdout, again.exitCode], ['0006a.png\n', 0]);
    const sorted = await run('-o', out, '--sort', 'n', '--top', '1');
    assert.equal(sorted.stdout, '0063a.png\n');
  });
}

test('a record that was not asked what the filter speaks of is named, and none of the others is lost', async () => {
  const records = join(scratch, 'own.jsonl');
  const own = [
    { id: 'a', images: [join(photos, '0063a.png')], questions: ['is there a star?'] },
    { id: 'b', images: [join(photos, '0063a.png')] },
  ];
  await writeFile(records, own.map((line) => JSON.stringify(line)).join('\n'));
  const words = ['decide', '--model', 'demo', '--gpu', 'off', '--records', records, '-q', howMany, '--where', 'n>5'];
  const run = await cli(words, { env: { PIXTRAL_CACHE: cache } });
  assert.deepEqual([run.stdout, run.exitCode], ['b\n', 6]);
  assert.match(run.stderr, /^note: a: has no question n as --where speaks of it$/m);
  assert.match(run.stderr, /^1 done, 1 failed/m);
});
