import assert from 'node:assert/strict';
import { copyFile, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { main } from '../../src/cli/main.ts';
import { cli } from '../helpers/cli.ts';
import { type Line, cache, color, decide, howMany, photos, scratch, shapes } from '../helpers/decide-drawings.ts';

test('several questions about each picture, each with a probability for every option', async () => {
  const { lines, exitCode } = await decide('-q', howMany, '-q', color);
  assert.equal(exitCode, 0);
  for (const { id, answers } of lines()) {
    const [count, star] = answers!;
    assert.ok(Math.abs(count!.score! - shapes[basename(id) as keyof typeof shapes]) < 0.1, `${id}: ${count!.score}`);
    for (const { probabilities, mass } of answers!) {
      const total = Object.values(probabilities).reduce((sum, share) => sum + share, 0);
      assert.ok(Math.abs(total - 1) < 1e-4 && mass > 0 && mass <= 1 + 1e-6);
    }
    assert.deepEqual([count!.type, star!.type], ['score', 'choice']);
  }
});

test('a question asked beside others has the probabilities that it has alone', async () => {
  const together = (await decide('-q', color, '-q', howMany, '--reproducible')).lines();
  const alone = (await decide('-q', howMany, '--parallel', '1')).lines();
  for (const [at, { answers }] of alone.entries()) assert.deepEqual(together[at]!.answers![1], answers![0]);
});

test('--where prints the paths that match, and exits with 1 when none does', async () => {
  assert.deepEqual((await decide('-q', howMany, '--where', '>3.5')).names, ['0006a.png', '0022a.png', '0063a.png']);
  assert.deepEqual((await decide('-q', howMany, '--where', 'n>3.5', '--invert')).names, ['0003a.png']);
  const { stdout } = await decide('-q', howMany, '--where', 'n=4', '-0');
  assert.equal(stdout, `${join(photos, '0006a.png')}\0${join(photos, '0022a.png')}\0`);
  assert.equal((await decide('-q', howMany, '--where', '>3.5', '--count')).stdout, '3\n');
  const none = await decide('-q', howMany, '--where', '>6.5');
  assert.deepEqual([none.stdout, none.exitCode], ['', 1]);
});

test('--sort and --top give the largest values first, --values shows them, --csv makes a table', async () => {
  assert.deepEqual((await decide('-q', howMany, '--top', '1')).names, ['0063a.png']);
  const { stdout } = await decide('-q', howMany, '-q', color, '--sort', 'n', '--values');
  assert.match(stdout, /^(6\.0|5\.9)\d+\t.*0063a\.png\n[34]\.\d+\t.*\n[34]\.\d+\t.*\n1\.0\d+\t.*0003a\.png\n$/);
  const table = await decide('-q', howMany, '-q', color, '--csv');
  assert.match(table.stdout, /^id,n,color\r\n.*0003a\.png,1\.0\d+,\w+\r\n/);
});

test('an earlier run is gone on with, and its answers are filtered as new ones are', async () => {
  const out = join(scratch, 'decisions.jsonl');
  const first = await decide('-q', howMany, '-o', out);
  assert.match(first.stderr, /4 done, 0 failed, 0 skipped/);
  const second = await decide('-q', howMany, '-o', out, '--where', 'n>3.5');
  assert.match(second.stderr, /0 done, 0 failed, 4 skipped/);
  assert.deepEqual(second.names, ['0006a.png', '0022a.png', '0063a.png']);
  assert.equal((await readFile(out, 'utf8')).trimEnd().split('\n').length, 4);
});

test('what the filter does not need is not asked', async () => {
  const out = join(scratch, 'lazy.jsonl');
  await decide('-q', howMany, '-q', color, '--where', 'n>5 && color=red', '-o', out);
  const lines = (await readFile(out, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const asked = Object.fromEntries(lines.map(({ id, answers }) => [basename(id), answers!.map(({ name }) => name)]));
  assert.deepEqual(asked, { '0003a.png': ['n'], '0006a.png': ['n'], '0022a.png': ['n'], '0063a.png': ['n', 'color'] });
});

test('pictures that match are copied, moved or linked, and nothing is overwritten', async () => {
  const many = join(scratch, 'many');
  await decide('-q', howMany, '--where', '>5', '--copy-to', many);
  assert.deepEqual(await readdir(many), ['0063a.png']);
  await writeFile(join(many, '0063a.png'), 'mine');
  const again = await decide('-q', howMany, '--where', '>5', '--move-to', many);
  assert.equal(again.exitCode, 6);
  assert.match(again.stderr, /0063a\.png: is there already; .*0063a\.png stays where it is/);
  assert.equal(await readFile(join(many, '0063a.png'), 'utf8'), 'mine');
  await rm(many, { recursive: true });
  await decide('-q', howMany, '--where', '>5', '--move-to', many);
  assert.deepEqual([await readdir(many), (await readdir(photos)).length], [['0063a.png'], 3]);
});

test('a picture that cannot be read costs its own line only', async () => {
  await writeFile(join(photos, 'broken.png'), 'no picture');
  const { lines, exitCode } = await decide('-q', howMany);
  assert.equal(exitCode, 6);
  assert.deepEqual(
    lines().map(({ error }) => error?.code),
    [undefined, undefined, undefined, undefined, 'input'],
  );
  const filtered = await decide('-q', howMany, '--where', '>5');
  assert.deepEqual([filtered.exitCode, filtered.names], [6, ['0063a.png']]);
  assert.match(filtered.stderr, /broken\.png: .*expected a picture/);
});

test('the order effect is reported, and the mass says that options are not what the model would answer', async () => {
  const told = ['--template', '{question} {options}'];
  const [line] = (
    await decide('-q', 'c=red|green|pink|black: what color is the star?', '--orders', '4', ...told)
  ).lines();
  const { order_effect: effect, mass } = line!.answers![0]!;
  assert.ok(effect! >= 0 && effect! <= 1 && mass > 0);
  const odd = await decide('-q', 'x=zebra|quorum: what color is the star?', '--where', 'x=zebra');
  assert.deepEqual([odd.stdout, odd.exitCode], ['', 1]);
  assert.match(odd.stderr, /x is unsure: the options have .* % of the probability/);
});

test('records bring their own questions, in batch too', async () => {
  const records = join(scratch, 'records.jsonl');
  const record = {
    id: 1,
    images: ['photos/0063a.png'],
    questions: [howMany, { type: 'predicate', instructions: 'is it big?' }],
  };
  await writeFile(records, JSON.stringify(record));
  const { stdout, exitCode } = await cli(['batch', '--model', 'demo', '--gpu', 'off', '--records', records], {
    env: { PIXTRAL_CACHE: cache },
  });
  assert.equal(exitCode, 0);
  const { id, answers } = JSON.parse(stdout) as {
    id: number;
    answers: { name: string; type: string; mass: number }[];
  };
  assert.ok(answers[0]!.mass > 0.9, 'the demo model is asked in its own words, whoever asks');
  assert.deepEqual(
    [id, answers.map(({ name, type }) => [name, type])],
    [
      1,
      [
        ['n', 'score'],
        ['q2', 'predicate'],
      ],
    ],
  );
});

for (const [words, says] of [
  [[], /no question was given/],
  [['-q', 'a=x', '-q', 'a=y'], /question a: is there twice/],
  [['-q', howMany, '--sort', 'm'], /--sort m: is no question, expected one of n/],
  [['-q', howMany, '-q', color, '--top', '2'], /--top: by which question\?/],
  [['-q', howMany, '--copy-to', 'x'], /which pictures\? --where was not given/],
  [['-q', 'c=Yes|YES: x'], /are spelled alike/],
] as const) {
  test(`${words.join(' ') || 'no question'} is refused in one line`, async () => {
    const { exitCode, stderr } = await decide(...words);
    assert.equal(exitCode, 2);
    assert.match(stderr, says);
  });
}

test('--calibrate fits a temperature for each question on labelled pictures, and --calibration takes it', async () => {
  const labels = join(scratch, 'labels.jsonl');
  const names = Object.keys(shapes);
  const lines = Array.from({ length: 24 }, (_, index) => {
    const name = names[index % names.length]!;
    return JSON.stringify({ image: join('photos', name), answers: { n: shapes[name as keyof typeof shapes] } });
  });
  await writeFile(labels, lines.join('\n'));
  const { stdout, exitCode } = await cli(
    ['decide', '--model', 'demo', '--gpu', 'off', '-q', howMany, '--calibrate', labels],
    { env: { PIXTRAL_CACHE: cache } },
  );
  assert.equal(exitCode, 0);
  assert.match(
    stdout,
    /^question +examples +accuracy +AUROC +ECE before +ECE after +temperature\nn +24 +100\.0 % +1\.0000 /,
  );
  const path = `${labels}.calibration.json`;
  const { temperatures } = JSON.parse(await readFile(path, 'utf8')) as { temperatures: { n: number } };
  assert.ok(temperatures.n > 0 && temperatures.n <= 20);
  assert.equal((await readFile(`${labels}.calibration.png`)).subarray(1, 4).toString(), 'PNG');
  await writeFile(path, JSON.stringify({ temperatures: { n: 8 } }));
  const [flat] = (await decide('-q', howMany, '--calibration', path)).lines();
  const [sharp] = (await decide('-q', howMany)).lines();
  const most = (line: Line): number => Math.max(...Object.values(line.answers![0]!.probabilities));
  assert.ok(most(flat!) < most(sharp!));
});

test('--calibrate counts pictures by their bytes and by the groups that lines name', async () => {
  const labels = join(scratch, 'groups.jsonl');
  const names = Object.keys(shapes);
  const copy = join(scratch, 'a-copy.png');
  await copyFile(join(photos, names[0]!), copy);
  const line = (image: string, name: string, group?: string | number): string =>
    JSON.stringify({ image, group, answers: { n: shapes[name as keyof typeof shapes] } });
  const lines = names.flatMap((name) => Array.from({ length: 20 }, () => line(join('photos', name), name)));
  const calibrated = async (more: readonly string[]): Promise<{ groups: number; stderr: string }> => {
    await writeFile(labels, [...lines, ...more].join('\n'));
    const { stderr, exitCode } = await decide('-q', howMany, '--calibrate', labels);
    assert.equal(exitCode, 0, stderr);
    const text = await readFile(`${labels}.calibration.json`, 'utf8');
    const { measured } = JSON.parse(text) as { measured: { n: { groups: number } } };
    return { groups: measured.n.groups, stderr };
  };
  const alone = await calibrated([]);
  assert.equal(alone.groups, names.length);
  assert.match(
    alone.stderr,
    new RegExp(`question n: its ${lines.length} examples are about ${names.length} pictures or groups`),
  );
  assert.equal((await calibrated([line(copy, names[0]!)])).groups, names.length);
  const linked = names.slice(0, 2).map((name) => line(join('photos', name), name, 7));
  assert.equal((await calibrated(linked)).groups, names.length - 1);

  await writeFile(labels, JSON.stringify({ image: copy, group: ['a'], answers: { n: 1 } }));
  const { exitCode, stderr } = await decide('-q', howMany, '--calibrate', labels);
  assert.equal(exitCode, 3);
  assert.match(stderr, /groups\.jsonl, line 1: group: is \["a"\], expected a name or a number/);
});

test('labels that name no option are refused with their line', async () => {
  const labels = join(scratch, 'wrong.jsonl');
  await writeFile(labels, '{"image":"photos/0063a.png","answers":{"n":9}}');
  const { exitCode, stderr } = await decide('-q', howMany, '--calibrate', labels);
  assert.equal(exitCode, 3);
  assert.match(stderr, /wrong\.jsonl, line 1: answers: n: is 9, expected one of 0, 1, 2/);
});

test('--html writes a page of what matches, whole or not at all', async () => {
  const page = join(scratch, 'report.html');
  await decide('-q', howMany, '--where', '>3.5', '--html', page);
  const text = await readFile(page, 'utf8');
  assert.equal(text.match(/<figure /g)?.length, 3);
  assert.match(text, /data:image\/png;base64,iVBOR/);
  await rm(page);
  await decide('-q', howMany, '--html', page, '--where', 'm>1');
  await assert.rejects(readFile(page));
});

test("a line of OpenAI's Decisions API in a batch file is answered in its form", async () => {
  const records = join(scratch, 'openai.jsonl');
  const input = [{ role: 'user', content: [{ type: 'input_image', image_url: 'photos/0063a.png' }] }];
  const questions = [
    { type: 'predicate', instructions: 'is there a star?' },
    {
      type: 'choice',
      name: 'n',
      instructions: 'how many shapes are there?',
      choices: [{ value: '5' }, { value: '6' }],
    },
    { type: 'score', name: 's', instructions: 'how many shapes are there?', levels: [{ label: '5' }, { label: '6' }] },
  ];
  const body = { model: 'x', input, questions };
  const line = (custom_id: string, more: object) =>
    JSON.stringify({ custom_id, method: 'POST', url: '/v1/decisions', body: { ...body, ...more } });
  await writeFile(records, [line('a', {}), line('b', { questions: [] }), line('c', { input: [] })].join('\n'));
  const words = ['decide', '--model', 'demo', '--gpu', 'off', '-q', 'not asked', '--records', records];
  const { stdout, exitCode } = await cli(words, { env: { PIXTRAL_CACHE: cache } });
  assert.equal(exitCode, 6);
  const [answered, ...refused] = stdout
    .trimEnd()
    .split('\n')
    .map(
      (text) =>
        JSON.parse(text) as {
          custom_id: string;
          error: { message: string } | null;
          response: { body: { answers: Record<string, unknown>[]; usage: { total_tokens: number } } };
        },
    );
  const [predicate, choice, score] = answered!.response.body.answers;
  assert.deepEqual(
    [predicate!['name'], predicate!['type'], typeof predicate!['probability']],
    [null, 'predicate', 'number'],
  );
  assert.deepEqual([choice!['name'], choice!['choice']], ['n', '6']);
  assert.ok(Math.abs((score!['score'] as number) - 2) < 0.01);
  assert.deepEqual(
    refused.map(({ custom_id: id, error }) => [id, error!.message.replace(/^.*body: /, '')]),
    [
      ['b', 'questions: is [], expected a list of questions'],
      ['c', 'input: is [], expected a text or a list of messages'],
    ],
  );
});

test('a System One request in a batch file is answered in its form, in batch as in decide', async () => {
  const records = join(scratch, 'systemone.jsonl');
  const counted = { type: 'score', instructions: 'how many shapes are there?', criteria: ['4', '5', '6'] };
  const body = {
    state: null,
    images: ['photos/0063a.png'],
    questions: { n: counted, star: { type: 'noul', instructions: 'is there a star?' } },
  };
  const line = (custom_id: string, more: object) =>
    JSON.stringify({ custom_id, method: 'POST', url: '/v1/systemone', body: { ...body, ...more } });
  await writeFile(records, [line('a', {}), line('b', { questions: [] }), line('c', { samples: 3 })].join('\n'));
  for (const words of [['batch'], ['decide', '-q', 'not asked']]) {
    const { stdout, exitCode } = await cli([...words, '--model', 'demo', '--gpu', 'off', '--records', records], {
      env: { PIXTRAL_CACHE: cache },
    });
    assert.equal(exitCode, 6);
    const [answered, ...refused] = stdout
      .trimEnd()
      .split('\n')
      .map(
        (text) =>
          JSON.parse(text) as {
            custom_id: string;
            error: { message: string } | null;
            response: {
              body: {
                object: string;
                answers: { n: { score: number; legend: object }; star: { type: string; noul: number } };
                diagnostics: { n: { label_mass: number } };
              };
            };
          },
      );
    const { object, answers, diagnostics } = answered!.response.body;
    assert.equal(object, 'structured_decision');
    assert.ok(Math.abs(answers.n.score - 2) < 0.1 && diagnostics.n.label_mass > 0.9, JSON.stringify(answers));
    assert.deepEqual([answers.n.legend, answers.star.type], [{ 0: '4', 1: '5', 2: '6' }, 'noul']);
    assert.deepEqual(
      refused.map(({ custom_id: id, error }) => [id, error!.message.replace(/^.*body: ?/, '')]),
      [
        ['b', 'questions: is [], expected an object'],
        ['c', 'samples is not supported'],
      ],
    );
  }
});

test('a terminal is told what all answers come to', async () => {
  const stderr: string[] = [];
  const words = ['decide', '--model', 'demo', '--gpu', 'off', photos, '-q', howMany, '--where', 'n>3.5', '--count'];
  const asTerminal = (...more: string[]) =>
    main([...words, ...more], {
      stdin: { isTTY: true, read: async () => new Uint8Array(), ask: async () => undefined },
      stdout: { isTTY: false, write: () => {} },
      stderr: { isTTY: true, columns: 80, write: (text) => void stderr.push(String(text)) },
      env: { PIXTRAL_CACHE: cache },
      signal: new AbortController().signal,
    });
  assert.equal(await asTerminal(), 0);
  assert.match(stderr.join(''), /question  answered  unsure  mean mass  answers\nn +4 +0 +[01]\.\d{3} +mean 3\.\d\d: /);
  stderr.length = 0;
  await asTerminal('--quiet');
  assert.equal(stderr.join('').includes('answered'), false);
});

test('questions may be called as every object has fields', async () => {
  const { lines, exitCode } = await decide('-q', 'constructor=2|4|6: how many shapes are there?');
  assert.equal(exitCode, 0);
  for (const { id, answers } of lines()) {
    const expected = shapes[basename(id) as keyof typeof shapes];
    if (expected > 1) assert.equal(answers![0]!.choice, String(expected));
  }
});
