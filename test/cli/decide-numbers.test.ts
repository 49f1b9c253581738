import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { type Line, cache, color, decide, howMany, scratch, shapes } from '../helpers/decide-drawings.ts';

test('a nonsense option takes nothing from the others, and adds nothing to the mass', async () => {
  const plain = (await decide('-q', 'n=1|4|6: how many shapes are there?', '--reproducible')).lines();
  const odd = (await decide('-q', 'n=1|4|6|zebra: how many shapes are there?', '--reproducible')).lines();
  for (const [at, { answers }] of odd.entries()) {
    const [with_, without] = [answers![0]!, plain[at]!.answers![0]!];
    assert.ok(with_.probabilities['zebra']! < 1e-3);
    assert.ok(with_.mass >= without.mass - 1e-5 && with_.mass - without.mass < 1e-3);
    for (const option of ['1', '4', '6'])
      assert.ok(Math.abs(with_.probabilities[option]! - without.probabilities[option]!) < 1e-3);
  }
});

test('255 options are all read, and one more is refused', async () => {
  const options = Array.from({ length: 255 }, (_, number) => String(number));
  const { lines, exitCode } = await decide('-q', `n=${options.join('|')}: how many shapes are there?`, '--limit', '1');
  assert.equal(exitCode, 0);
  const [{ answers, id }] = lines() as [Line];
  assert.equal(Object.keys(answers![0]!.probabilities).length, 255);
  assert.equal(answers![0]!.choice, String(shapes[basename(id) as keyof typeof shapes]));
  const more = await decide('-q', `n=${[...options, '255'].join('|')}: how many shapes are there?`);
  assert.equal(more.exitCode, 2);
  assert.match(more.stderr, /question n: has 256 options, expected 2 to 255/);
});

test('an unsure answer is let through neither by an expression nor by its opposite', async () => {
  const odd = ['-q', 'x=zebra|quorum: what color is the star?', '--count'];
  for (const words of [
    ['--where', 'x=zebra'],
    ['--where', 'x=zebra', '--invert'],
    ['--where', 'not x=zebra'],
  ]) {
    const { stdout, exitCode } = await decide(...odd, ...words);
    assert.deepEqual([stdout, exitCode], ['0\n', 1], words.join(' '));
  }
});

for (const [where, asked] of [
  ['n>5 or color=red', { '0063a.png': ['n'], '0003a.png': ['n', 'color'] }],
  ['not (n>5 and color=red)', { '0063a.png': ['n', 'color'], '0003a.png': ['n'] }],
  ['not (n>5 or color=red)', { '0063a.png': ['n'], '0003a.png': ['n', 'color'] }],
] as const) {
  test(`${where}: what decides no more is not asked`, async () => {
    const out = join(scratch, `lazy-${where.replaceAll(/\W/g, '')}.jsonl`);
    await decide('-q', howMany, '-q', color, '--where', where, '--count', '-o', out, '--unsure', '0');
    for (const line of (await readFile(out, 'utf8')).trimEnd().split('\n')) {
      const { id, answers } = JSON.parse(line) as Line;
      const names = answers!.map(({ name }) => name);
      const expected: readonly string[] | undefined = (asked as Record<string, readonly string[]>)[basename(id)];
      if (expected?.length === 2) assert.deepEqual(names, expected);
      else if (expected) assert.equal(names[0], 'n');
    }
  });
}

test("a calibration is refused for another model's weights and for a question that has changed", async () => {
  const labels = join(scratch, 'own.jsonl');
  const lines = Array.from({ length: 20 }, () => JSON.stringify({ image: 'photos/0063a.png', answers: { n: 6 } }));
  await writeFile(labels, lines.join('\n'));
  await decide('-q', howMany, '--calibrate', labels);
  const path = `${labels}.calibration.json`;
  assert.equal((await decide('-q', howMany, '--calibration', path, '--limit', '1')).exitCode, 0);
  const changed = await decide('-q', 'n=0..7: how many shapes are there?', '--calibration', path);
  assert.equal(changed.exitCode, 3);
  assert.match(changed.stderr, /question n: was another one when it was calibrated/);
  const other = await decide('-q', howMany, '-q', color, '--calibration', path, '--limit', '1');
  assert.match(other.stderr, /color is not calibrated/);
  const found = JSON.parse(await readFile(path, 'utf8')) as { model: { name: string; weights: string } };
  await writeFile(path, JSON.stringify({ ...found, model: { ...found.model, weights: '00' } }));
  const foreign = await decide('-q', howMany, '--calibration', path);
  assert.equal(foreign.exitCode, 3);
  assert.match(foreign.stderr, /was fitted for other weights of demo/);
});

const readingsOf = async (question: string, ...words: string[]) => {
  const told = ['--template', '{question} {options}', '--reproducible', '--limit', '2'];
  const { lines } = await decide('-q', question, ...told, ...words);
  return lines().map(({ answers }) => answers![0]!);
};

for (const labels of ['words', 'letters']) {
  test(`options in ${labels}: two orders are the mean of each alone, and the order effect is how far they are apart`, async () => {
    const flag = ['--labels', labels];
    const [one, other, both] = await Promise.all([
      readingsOf('c=red|green: what color is the star?', ...flag),
      readingsOf('c=green|red: what color is the star?', ...flag),
      readingsOf('c=red|green: what color is the star?', ...flag, '--orders', '2'),
    ]);
    for (const [at, { probabilities, mass, order_effect: effect }] of both.entries()) {
      const [first, second] = [one[at]!, other[at]!];
      const [red, turned] = [first.probabilities['red']!, second.probabilities['red']!];
      assert.ok(Math.abs(probabilities['red']! - (red + turned) / 2) < 1e-5);
      assert.ok(Math.abs(effect! - Math.abs(red - turned)) < 1e-5, `${effect}, ${red}, ${turned}`);
      assert.ok(Math.abs(mass - (first.mass + second.mass) / 2) < 1e-5);
      assert.deepEqual([first.order_effect, second.order_effect], [undefined, undefined]);
    }
  });
}

test('letters that a model does not know as names of options have no mass, and the answer is unsure', async () => {
  const byWords = (await decide('-q', color, '--limit', '2')).lines();
  const byLetters = (await decide('-q', color, '--limit', '2', '--labels', 'letters')).lines();
  for (const [at, { answers }] of byLetters.entries()) {
    const [words, letters] = [byWords[at]!.answers![0]!, answers![0]!];
    assert.ok(
      letters.mass < 0.1 && letters.unsure === true && words.mass > letters.mass,
      `${words.mass} ${letters.mass}`,
    );
  }
});

test('odd records are errors of their own, and no other is lost', async () => {
  const records = join(scratch, 'odd.jsonl');
  const image = 'photos/0063a.png';
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const odd: [string, RegExp][] = [
    [`{"id":"a","images":["${image}"],"questions":${deep}}`, /nested more than 500 levels deep/],
    [`{"id":"b","images":["${image}"],"questions":[]}`, /expected a list of questions/],
    [`{"id":"c","images":["${image}"],"questions":[{"type":"__proto__","instructions":"x"}]}`, /type: is "__proto__"/],
    [`{"id":"d","images":["${image}"],"questions":["a=x","a=y"]}`, /a: is there twice/],
    [`{"id":"e","images":["${image}"],"questions":["a=Yes|YES: x"]}`, /are spelled alike/],
    [
      `{"id":"f","images":["${image}"],"questions":[{"type":"choice","instructions":"x","choices":[{"value":{}},1]}]}`,
      /value: is \{\}/,
    ],
    [`{"id":"g","images":["${image}"],"questions":["a=${'x|'.repeat(3)}y: x"]}`, /same option twice/],
    [`{"id":"h","images":["missing.png"],"questions":["x"]}`, /missing\.png/],
    [`{"id":"i","images":["${image}"],"questions":["${'very '.repeat(40_000)}long?"]}`, /tokens/],
    ['[1]', /expected a JSON object/],
    ['{"custom_id":"k","url":"/v1/systemone","body":null}', /body: is null, expected an object/],
    ['{"custom_id":"l","url":"/v1/decisions","body":{"input":{"a":1},"questions":["x"]}}', /input: is \{"a":1\}/],
    ['{"custom_id":"m","url":"/v1/nothing","body":{}}', /url: is "\/v1\/nothing"/],
  ];
  await writeFile(records, [...odd.map(([line]) => line), `{"id":"whole","images":["${image}"]}`].join('\n'));
  const { exitCode, stdout } = await cli(
    ['decide', '--model', 'demo', '--gpu', 'off', '-q', howMany, '--records', records],
    { env: { PIXTRAL_CACHE: cache } },
  );
  assert.equal(exitCode, 6);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  assert.equal(lines.length, odd.length + 1);
  for (const [at, [, says]] of odd.entries()) assert.match(lines[at]!.error!.message, says);
  assert.ok(Math.abs(lines.at(-1)!.answers![0]!.score! - 6) < 0.1);
});
