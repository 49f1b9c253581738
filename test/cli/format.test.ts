import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { supportedKeywords } from '../../src/grammar/keywords.ts';
import type { AskJson } from '../../src/wires/json.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let pair: ConvertedPair;
before(async () => {
  pair = await convertedPair('mistral', 'f32');
});
after(() => pair.remove());

const file = async (name: string, text: string): Promise<string> => {
  const path = join(pair.folder, name);
  await writeFile(path, text);
  return path;
};
const ask = (...words: string[]) =>
  cli(['ask', scenePath('a-80x48.png'), 'x', '--model', pair.folder, '--gpu', 'off', '--threads', '1', ...words]);

const colour =
  '{"type":"object","properties":{"colour":{"enum":["red","blue"]},"count":{"type":"integer","minimum":0,"maximum":9}},"required":["colour","count"],"additionalProperties":false}';

test('--schema prints JSON of the schema, and with --json its value, a confidence for each field and log-probabilities', async () => {
  const schema = await file('colour.json', colour);
  const plain = await ask('--schema', schema, '--temperature', '0');
  assert.equal(plain.exitCode, 0, plain.stderr);
  const value = JSON.parse(plain.stdout) as { colour: string; count: number };
  assert.ok(['red', 'blue'].includes(value.colour) && value.count >= 0 && value.count <= 9);
  const { stdout } = await ask('--schema', schema, '--temperature', '0', '--json', '--logprobs', '2');
  const answer = JSON.parse(stdout) as AskJson;
  assert.deepEqual(answer.data, value);
  assert.equal(`${answer.text}\n`, plain.stdout);
  assert.deepEqual(Object.keys(answer.confidence!), ['/colour', '/count']);
  for (const one of Object.values(answer.confidence!)) assert.ok(one > 0 && one <= 1);
  const [first] = answer.logprobs!;
  assert.deepEqual(first, { id: first!.id, token: '{', forced: true }); // there is no other way to begin
  const drawn = answer.logprobs!.find((token) => !('forced' in token));
  assert.deepEqual(Object.keys(drawn!), ['id', 'token', 'logprob', 'top']);
});

test('--choices answers with one of them; a JSON list may hold commas', async () => {
  for (const words of [['yes,no, maybe'], ['yes,no', '--choices', 'maybe'], ['["yes","no","maybe"]']]) {
    const { stdout, stderr } = await ask('--choices', ...words);
    assert.match(stdout, /^(yes|no|maybe)\n$/, stderr);
  }
  assert.match((await ask('--choices', '["a, b","c, d"]')).stdout, /^(a, b|c, d)\n$/);
});

test('--grammar answers with a text of the grammar', async () => {
  const { stdout, stderr } = await ask('--grammar', await file('date.gbnf', 'root ::= [0-9]{4} "-" [01] [0-9]\n'));
  assert.match(stdout, /^\d{4}-[01]\d\n$/, stderr);
});

test('--logprobs tells about free text too', async () => {
  const { stdout } = await ask('--json', '--logprobs', '1', '--max-tokens', '3', '--temperature', '0');
  const { logprobs, confidence } = JSON.parse(stdout) as AskJson;
  assert.deepEqual(
    logprobs!.map((token) => 'top' in token && token.top[0]!.id === token.id),
    [true, true, true],
  );
  assert.equal(confidence, undefined);
});

const refused: [what: string, words: () => Promise<string[]> | string[], exitCode: number, says: RegExp][] = [
  [
    'a cut answer',
    async () => ['--schema', await file('c.json', colour), '--max-tokens', '3'],
    3,
    /was cut after 3 tokens.*\n.*--max-tokens/,
  ],
  [
    'a schema that is not there',
    () => ['--schema', 'none.json'],
    3,
    /none\.json: no such file, expected a JSON Schema/,
  ],
  [
    'a schema that is not supported',
    async () => ['--schema', await file('p.json', '{"if":true}')],
    3,
    /p\.json: #\/if: the keyword if is not supported/,
  ],
  [
    'a grammar with a mistake',
    async () => ['--grammar', await file('bad.gbnf', 'root ::= "a')],
    3,
    /bad\.gbnf: line 1, column 12: /,
  ],
  [
    'two formats',
    () => ['--json-object', '--choices', 'a,b'],
    2,
    /--json-object and --choices: .*expected one of them/,
  ],
  [
    '--stop with a format',
    () => ['--choices', 'a,b', '--stop', 'x'],
    2,
    /--choices and --stop: .*\n.*leave --stop out/,
  ],
  ['--logprobs without --json', () => ['--logprobs', '2'], 2, /expected --json too/],
  ['one choice', () => ['--choices', 'a'], 2, /expected at least two/],
  ['an empty choice', () => ['--choices', 'a,,b'], 2, /expected at least two that are not empty/],
  [
    'choices in JSON that are no texts',
    () => ['--choices', '[1,2]'],
    2,
    /expected texts with commas between, or a JSON list/,
  ],
];
for (const [what, words, exitCode, says] of refused) {
  test(`${what} is refused with exit code ${exitCode}, and nothing on stdout`, async () => {
    const run = await ask(...(await words()));
    assert.match(run.stderr, says);
    assert.deepEqual([run.exitCode, run.stdout], [exitCode, '']);
  });
}

test('the help page of ask lists every keyword that is supported', async () => {
  const { stdout } = await cli(['ask', '--help']);
  const [, listed] = /refused by name, with its place:\n([\s\S]*?)\n {2}format:/.exec(stdout)!;
  assert.deepEqual(listed!.trim().split(/\s+/), supportedKeywords);
});

/** With such a penalty the tiny model likes best what it has said before. */
const looping = ['--temperature', '0', '--repeat-penalty', '0.6', '--seed', '5', '--max-tokens', '600'];

test('an answer in a form that says the same over and over is an error with exit code 3', async () => {
  const letters = await file('letters.gbnf', 'root ::= [a-z ]+ "."');
  const looped = await ask('--grammar', letters, ...looping, '--repeat-penalty', '0.1');
  assert.deepEqual([looped.exitCode, looped.stdout], [3, '']);
  assert.match(looped.stderr, /says the same over and over, and was stopped after 1\d\d tokens.*\n.*--on-loop retry/);
  const off = await ask('--grammar', letters, ...looping, '--repeat-penalty', '0.1', '--on-loop', 'off');
  assert.match(off.stderr, /was cut after 600 tokens/);
});

test('a list in a form that says the same over and over is told from one that is too long, also where it is cut', async () => {
  const rows = await file('rows.gbnf', String.raw`root ::= "[" ("{\"name\":\"tea\",\"price\":2}" ","){400} "]"`);
  for (const [most, [least, largest]] of [
    ['200', [200, 200]],
    ['4000', [1024, 2000]], // what must come is looked at when it has been appended, up to 2 KB of it
  ] as const) {
    const looped = await ask('--grammar', rows, '--max-tokens', most);
    const [, tokens] = /says the same over and over, and was stopped after (\d+) tokens/.exec(looped.stderr) ?? [];
    assert.ok(Number(tokens) >= least && Number(tokens) <= largest, looped.stderr);
    assert.deepEqual([looped.exitCode, looped.stdout], [3, '']);
  }
  const short = await ask('--grammar', rows, '--max-tokens', '20');
  assert.match(short.stderr, /was cut after 20 tokens/);
});

test('free text that says the same over and over ends with finish loop; --on-loop retry asks once more, with a penalty', async () => {
  const told = async (...words: string[]) => JSON.parse((await ask(...looping, '--json', ...words)).stdout) as AskJson;
  const [stopped, off, retried] = [await told(), await told('--on-loop', 'off'), await told('--on-loop', 'retry')];
  assert.equal(stopped.finish, 'loop');
  assert.deepEqual([off.finish, off.usage.completion], ['length', 600]);
  assert.ok(off.text.startsWith(stopped.text.replace(/\uFFFD$/, '')), 'the same, but shorter');
  assert.ok(stopped.usage.completion < 600);
  assert.equal(retried.retried, 'loop');
  assert.deepEqual([retried.sampling.seed, retried.sampling.repeat_penalty], [6, 1.15]);
  assert.notEqual(retried.text, stopped.text);
  const plain = await ask(...looping);
  assert.deepEqual([plain.exitCode, plain.stdout.trimEnd()], [0, stopped.text.trimEnd()]);
  assert.match(plain.stderr, /^answer: says the same over and over, and was stopped after \d+ tokens$/m);
  const again = await ask(...looping, '--on-loop', 'retry');
  assert.equal(again.stdout.trimEnd(), retried.text.trimEnd(), 'nothing of the first answer is shown');
});

test('--tell-schema puts the schema behind the question; a record says it itself', async () => {
  const schema = ['--schema', 'colour: red|blue, count: integer', '--json', '--temperature', '0'];
  const tokens = async (...words: string[]) =>
    (JSON.parse((await ask(...schema, ...words)).stdout) as AskJson).usage.prompt;
  const [plain, told] = [await tokens(), await tokens('--tell-schema')];
  assert.ok(told > plain + 10, `${told} and ${plain} tokens`);
  const record = { id: 1, images: [scenePath('a-80x48.png')], prompt: 'x', tell_schema: true };
  const records = await file(
    'told.jsonl',
    [record, { ...record, id: 2, tell_schema: false }, { ...record, id: 3, tell_schema: 1 }]
      .map((one) => JSON.stringify(one))
      .join('\n'),
  );
  const { stdout } = await cli([
    'batch',
    '--records',
    records,
    ...schema,
    '--model',
    pair.folder,
    '--gpu',
    'off',
    '--threads',
    '1',
    '-q',
  ]);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Partial<AskJson> & { error?: { message: string } });
  assert.deepEqual(
    lines.map(({ usage }) => usage?.prompt),
    [told, plain, undefined],
  );
  assert.match(lines[2]!.error!.message, /tell_schema: is 1, expected true or false/);
  const none = await ask('--tell-schema');
  assert.deepEqual([none.exitCode, none.stdout], [2, '']);
  assert.match(none.stderr, /--tell-schema: there is no schema to tell/);
});
