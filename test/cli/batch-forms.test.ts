import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { formatMemo } from '../../src/wires/format-memo.ts';
import { choicesFormat } from '../../src/grammar/answer-format.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let pair: ConvertedPair;
let scratch: string;
before(async () => {
  pair = await convertedPair('mistral', 'f16');
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-forms-'));
  await writeFile(join(scratch, 'colour.json'), JSON.stringify(colour));
});
after(async () => {
  await pair.remove();
  await rm(scratch, { recursive: true, force: true });
});

const colour = {
  type: 'object',
  properties: { colour: { enum: ['red', 'blue'] }, count: { type: 'integer', minimum: 0, maximum: 9 } },
  required: ['colour', 'count'],
  additionalProperties: false,
};
const choices = ['day', 'night'];

interface Line {
  id: string;
  text?: string;
  data?: { colour: string; count: number };
  hash?: string;
  confidence?: Record<string, number>;
  logprobs?: { top: unknown[] }[];
  error?: { code: string; message: string; hint?: string };
}

async function linesOf<T>(records: readonly object[], ...words: string[]): Promise<T[]> {
  const path = join(scratch, 'records.jsonl');
  await writeFile(path, records.map((record) => JSON.stringify(record)).join('\n'));
  const runtime = ['--gpu', 'off', '--threads', '1', '--temperature', '0', '--max-tokens', '60', '-q'];
  const { stdout, stderr } = await cli(['batch', '--model', pair.folder, ...runtime, '--records', path, ...words]);
  assert.equal(stderr, '');
  return stdout === ''
    ? []
    : stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as T);
}

const plain = (fields: object) => ({ images: [], prompt: 'x', ...fields });
const answers = (records: readonly object[], ...words: string[]) => linesOf<Line>(records.map(plain), ...words);

test('each record is answered in its own form; without one, in that of the command line', async () => {
  const forms = [
    { schema: colour },
    { schema: 'colour.json' },
    { response_format: { type: 'json_schema', json_schema: { name: 'colour', strict: true, schema: colour } } },
    { grammar: 'root ::= [0-9]{4}' },
    { choices, logprobs: 2 },
    { schema: null, json_object: false },
  ];
  const lines = await answers(forms, '--choices', 'yes,no');
  for (const { data, text } of lines.slice(0, 3)) {
    assert.ok(['red', 'blue'].includes(data!.colour) && data!.count >= 0 && data!.count <= 9, text);
  }
  assert.match(lines[3]!.text!, /^\d{4}$/);
  assert.match(lines[4]!.text!, /^(day|night)$/);
  assert.match(lines[5]!.text!, /^(yes|no)$/);
  assert.deepEqual(Object.keys(lines[4]!.confidence!), ['']);
  assert.equal(lines[4]!.logprobs![0]!.top.length, 2);
  assert.equal(lines[5]!.logprobs, undefined);
});

test('a record may say its schema in the short form', async () => {
  const [one, wrong] = await answers([{ schema: 'colour: red|blue, count: integer' }, { schema: 'colour: red|' }]);
  assert.deepEqual(Object.keys(one!.data!), ['colour', 'count']);
  assert.equal(wrong!.error!.code, 'input');
  assert.match(wrong!.error!.message, /line 2: schema: character \d+ of "colour: red\|"/);
});

test('a form is part of the question, wherever it was given', async () => {
  const out = join(scratch, 'out.jsonl');
  const run = (form: object, ...words: string[]) => answers([{ id: 'a', ...form }], '-o', out, ...words);
  const hashes = async (): Promise<string[]> =>
    (await readFile(out, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { hash: string }).hash);
  await run({ choices });
  await run({ choices });
  await run({}, '--choices', 'day,night');
  assert.equal((await hashes()).length, 1);
  await run({ choices: ['day', 'dusk'] });
  await run({ choices: ['day', 'dusk'], logprobs: 1 });
  await run({ schema: 'colour.json' });
  await writeFile(join(scratch, 'colour.json'), JSON.stringify({ enum: ['red', 'green'] }));
  await run({ schema: 'colour.json' });
  await writeFile(join(scratch, 'colour.json'), JSON.stringify(colour));
  assert.equal(new Set(await hashes()).size, 5);
});

const refused: [what: string, form: object, says: RegExp][] = [
  ['two forms', { schema: colour, choices }, /: schema and choices: each says what the answer must be/],
  [
    'a keyword that is not supported',
    { schema: { type: 'object', properties: { a: { if: true } } } },
    /: schema: #\/properties\/a\/if: the keyword if is not supported/,
  ],
  ['a schema that is no schema', { schema: 7 }, /: schema: is 7, expected a JSON Schema or the path of one/],
  ['a list for a schema', { schema: [] }, /: schema: #: is \[\], expected a schema/],
  ['a schema file that is not there', { schema: 'no.json' }, /: schema: .*no\.json: no such file, expected a JSON/],
  ['a schema file that is none', { schema: 'records.jsonl' }, /: schema: records\.jsonl: is not JSON/],
  ['json_object as a text', { json_object: 'yes' }, /: json_object: is "yes", expected true or false/],
  ['a grammar with a mistake', { grammar: 'root ::= "a' }, /: grammar: line 1, column 12: /],
  ['a grammar that is no text', { grammar: {} }, /: grammar: is \{\}, expected the text of a grammar/],
  ['one choice', { choices: ['a', 'a'] }, /: choices: is \["a","a"\], expected a list of at least two texts/],
  ['choices in one text', { choices: 'a,b' }, /: choices: is "a,b", expected a list/],
  ['numbers as choices', { choices: [1, 2] }, /: choices: is \[1,2\], expected/],
  ['logprobs: true', { logprobs: true }, /: logprobs: is true, expected a whole number from 0 to 100/],
  ['a stop text beside a form', { choices, stop: 'a' }, /: stop: would cut an answer that must have a given form/],
  ['an answer that is cut', { schema: colour, max_tokens: 2 }, /answer: was cut after 2 tokens/],
];

test('what is wrong with a form costs only its own record, and is told by its field', async () => {
  const lines = await answers([...refused.map(([, form]) => form), { choices }]);
  for (const [index, [what, , says]] of refused.entries()) {
    const { error } = lines[index]!;
    assert.match(error!.message, new RegExp(`line ${index + 1}: |^answer: `), what);
    assert.match(error!.message, says, what);
    assert.equal(error!.code, 'input', what);
  }
  assert.match(lines.at(-1)!.text!, /^(day|night)$/);
});

test('a stop text of all records is turned off by a record with a form', async () => {
  const [bad, good] = await answers([{ choices }, { choices, stop: [] }], '--stop', 'x');
  assert.match(bad!.error!.hint!, /"stop": \[\] turns --stop off/);
  assert.match(good!.text!, /^(day|night)$/);
});

interface OpenAiLine {
  error: { message: string } | null;
  response: {
    body: {
      choices: { message: { content: string }; logprobs: { content: OpenAiChoice[] } | null }[];
      pixtral: { confidence?: object };
    };
  };
}
interface OpenAiChoice {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs: OpenAiChoice[];
}

const openAi = (bodies: readonly object[], ...words: string[]) =>
  linesOf<OpenAiLine>(
    bodies.map((body, index) => ({
      custom_id: String(index),
      url: '/v1/chat/completions',
      body: { messages: [{ role: 'user', content: 'x' }], ...body },
    })),
    ...words,
  );

test("OpenAI's response_format and logprobs are answered as OpenAI does", async () => {
  const schema = { type: 'json_schema', json_schema: { name: 'colour', schema: colour } };
  const [shaped, object, text] = await openAi(
    [
      { response_format: schema, logprobs: true, top_logprobs: 2 },
      { response_format: { type: 'json_object' }, logprobs: false, max_tokens: 4000, temperature: 2, seed: 1 },
      { response_format: { type: 'text' }, logprobs: true, max_tokens: 2 },
    ],
    '--choices',
    'yes,no',
    '--logprobs',
    '1',
  );
  const [{ message, logprobs }] = shaped!.response.body.choices as [OpenAiLine['response']['body']['choices'][0]];
  const value = JSON.parse(message.content) as { colour: string };
  assert.ok(['red', 'blue'].includes(value.colour));
  const content = logprobs!.content;
  assert.equal(Buffer.from(content.flatMap(({ bytes }) => bytes)).toString(), message.content);
  assert.deepEqual(Object.keys(content[0]!), ['token', 'logprob', 'bytes', 'top_logprobs', 'forced']);
  const drawn = content.find((token) => !('forced' in token));
  assert.deepEqual(Object.keys(drawn!), ['token', 'logprob', 'bytes', 'top_logprobs']);
  assert.deepEqual(Object.keys(drawn!.top_logprobs[1]!), ['token', 'logprob', 'bytes']);
  assert.deepEqual(Object.keys(shaped!.response.body.pixtral.confidence!), ['/colour', '/count']);
  assert.equal(object!.response.body.choices[0]!.logprobs, null);
  assert.equal(typeof JSON.parse(object!.response.body.choices[0]!.message.content), 'object');
  assert.doesNotMatch(text!.response.body.choices[0]!.message.content, /^(yes|no)$/);
  assert.deepEqual(
    text!.response.body.choices[0]!.logprobs!.content.map(({ top_logprobs: top }) => top),
    [[], []],
  );
});

test('log-probabilities of the command line are told in lines of OpenAI too, bytes of half characters included', async () => {
  const [line] = await openAi([{ max_tokens: 12, temperature: 10, seed: 3 }], '--logprobs', '100');
  const [{ logprobs }] = line!.response.body.choices as [OpenAiLine['response']['body']['choices'][0]];
  const told = logprobs!.content.flatMap(({ top_logprobs: top }) => top);
  const half = told.find(({ token }) => token.startsWith('<0x'))!;
  assert.deepEqual(half.bytes.map((byte) => `<0x${byte.toString(16).toUpperCase()}>`).join(''), half.token);
  for (const { token, bytes } of told) {
    if (bytes === null) assert.match(token, /^(\[|<)/);
    else if (!token.startsWith('<0x')) assert.equal(Buffer.from(bytes).toString(), token);
  }
});

const refusedByName: [body: object, says: RegExp][] = [
  [{ response_format: { type: 'xml' } }, /: body: response_format\.type: is "xml", expected "text"/],
  [{ response_format: { type: 'json_object', schema: colour } }, /: body: response_format\.schema is not supported/],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'x' } } },
    /response_format\.json_schema\.schema: is nothing, expected an object/,
  ],
  [
    { response_format: { type: 'json_schema', json_schema: { schema: { type: 'string', if: true } } } },
    /: body: response_format\.json_schema\.schema: #\/if: the keyword if is not supported/,
  ],
  [{ top_logprobs: 2 }, /: body: logprobs: is nothing, expected true beside top_logprobs/],
  [{ logprobs: 2 }, /: body: logprobs: is 2, expected true or false/],
  [{ logprobs: true, top_logprobs: 101 }, /top_logprobs: is 101, expected a whole number from 0 to 100/],
  [{ schema: colour }, /: body: schema is not supported/],
  [{ grammar: 'root ::= "a"' }, /: body: grammar is not supported/],
];

test('what an OpenAI request asks that is not supported is refused by name', async () => {
  const lines = await openAi(refusedByName.map(([body]) => body));
  for (const [index, [, says]] of refusedByName.entries()) assert.match(lines[index]!.error!.message, says);
});

test('forms are made once while they are in use, and the one not used for longest goes first', () => {
  const memo = formatMemo();
  const made: string[] = [];
  const use = (name: string) =>
    memo(name, () => {
      made.push(name);
      return choicesFormat([name, 'other']);
    });
  assert.equal(use('first'), use('first'));
  for (let other = 0; other < 200; other++) {
    use(`${other}`);
    use('first');
  }
  use('0');
  assert.equal(made.filter((name) => name === 'first').length, 1);
  assert.equal(made.filter((name) => name === '0').length, 2);
});
