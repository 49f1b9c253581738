import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let pair: ConvertedPair;
before(async () => {
  pair = await convertedPair('mistral', 'f32');
});
after(() => pair.remove());

const pictures = ['a-80x48.png', 'b-48x80.png', 'c-64x64.png', 'd-17x33.png'].map(scenePath);
const runtime = () => ['--model', pair.folder, '--gpu', 'off', '--threads', '1', '--cache-type', 'f32', '-q'];
const exact = ['--temperature', '0', '--parallel', '2', '--reproducible'];
const place = (name: string): string => join(pair.folder, name);

interface ReviewLine {
  id: string;
  least: number;
  images: { source: string }[];
  fields: {
    field: string;
    value: unknown;
    confidence: number;
    alternatives: { begins: string; probability: number }[];
  }[];
  text: string;
}
const linesOf = async <T>(path: string): Promise<T[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

async function recordsFile(name: string, styles: readonly string[]): Promise<string> {
  const records = pictures.flatMap((picture, index) =>
    styles.map((style) =>
      style === 'plain'
        ? {
            id: `p${index}`,
            images: [picture],
            prompt: `colour ${index}`,
            schema: {
              type: 'object',
              properties: { colour: { enum: ['red', 'blue', 'green'] }, paid: { type: 'boolean' } },
              required: ['colour', 'paid'],
            },
          }
        : {
            custom_id: `o${index}`,
            method: 'POST',
            url: '/v1/chat/completions',
            body: {
              messages: [{ role: 'user', content: `day or night ${index}` }],
              response_format: {
                type: 'json_schema',
                json_schema: { name: 'x', schema: { enum: ['day', 'night', 'noon', 'morning', 'evening'] } },
              },
            },
          },
    ),
  );
  await writeFile(place(name), records.map((record) => JSON.stringify(record)).join('\n'));
  return place(name);
}

const batch = (records: string, answers: string, review: string, ...words: string[]) =>
  cli([
    'batch',
    '--records',
    records,
    '-o',
    place(answers),
    '--review',
    '0.98',
    '--review-to',
    place(review),
    ...runtime(),
    ...exact,
    ...words,
  ]);

test('--review writes the records with unsure fields, the least certain first, with alternatives and pictures', async () => {
  const records = await recordsFile('both.jsonl', ['plain', 'openai']);
  const run = await batch(records, 'answers.jsonl', 'review.jsonl');
  assert.equal(run.exitCode, 0, run.stderr);
  const review = await linesOf<ReviewLine>(place('review.jsonl'));
  const answers = await linesOf<{
    id: string;
    custom_id?: string;
    confidence?: Record<string, number>;
    logprobs?: unknown;
  }>(place('answers.jsonl'));
  assert.equal(review.length, 8, 'a model of noise is sure of nothing');
  assert.deepEqual(
    review.map(({ least }) => least),
    review.map(({ least }) => least).toSorted((a, b) => a - b),
  );
  for (const { id, least, images, fields, text } of review) {
    assert.equal(fields[0]!.confidence, least);
    if (id.startsWith('p')) assert.equal(images[0]!.source, pictures[Number(id.slice(1))]);
    const value = JSON.parse(text) as Record<string, unknown>;
    for (const { field, value: told, confidence, alternatives } of fields) {
      assert.ok(confidence < 0.98);
      assert.deepEqual(told, field === '' ? text : value[field.slice(1)]);
      const sum = alternatives.reduce((before, { probability }) => before + probability, 0);
      assert.ok(alternatives.length > 0 && sum <= 1 - confidence + 0.01, `${sum} beside ${confidence}`);
      if (field === '/paid') assert.ok(Math.abs(sum - (1 - confidence)) < 0.01, 'all there is beside it');
      assert.ok(alternatives.every(({ begins }) => begins !== JSON.stringify(told) && begins !== ''));
    }
    const answer = answers.find((line) => line.id === id || line.custom_id === id)!;
    assert.equal(answer.logprobs, undefined, 'tokens are not told where --logprobs was not given');
    if (answer.confidence) assert.equal(Math.min(...Object.values(answer.confidence)), least);
  }
});

test('a job that goes on reviews what earlier runs have answered too, as one run would have', async () => {
  const records = await recordsFile('plain.jsonl', ['plain']);
  await batch(records, 'once.jsonl', 'once-review.jsonl');
  for (const words of [['--limit', '1'], ['--shard', '1/2'], ['--shard', '2/2'], []]) {
    assert.equal((await batch(records, 'parts.jsonl', 'parts-review.jsonl', ...words)).exitCode, 0);
  }
  const plain = async (name: string) => (await readFile(place(name), 'utf8')).split('\n').toSorted();
  assert.deepEqual(await plain('parts-review.jsonl'), await plain('once-review.jsonl'));
});

test('a record that is sure by now is reviewed no more', async () => {
  const line = (least: number): string =>
    JSON.stringify({ version: 1, id: 'x', hash: `${least}`, text: '"a"', confidence: { '': least }, images: [] });
  await writeFile(place('old.jsonl'), `${line(0.2)}\n${line(0.995)}\n`);
  const records = await recordsFile('more.jsonl', ['plain']);
  await batch(records, 'old.jsonl', 'old-review.jsonl', '--limit', '1');
  const ids = (await linesOf<ReviewLine>(place('old-review.jsonl'))).map(({ id }) => id);
  assert.deepEqual(ids, ['p0']);
});

for (const [what, words, says] of [
  ['--review alone', ['--review', '0.9', '-o', 'x.jsonl'], /--review: expected --review-to too/],
  ['--review-to alone', ['--review-to', 'r.jsonl', '-o', 'x.jsonl'], /--review-to: expected --review too/],
  ['answers on standard output', ['--review', '0.9', '--review-to', 'r.jsonl'], /expected -o too/],
  ['one file for both', ['--review', '0.9', '--review-to', 'x.jsonl', '-o', './x.jsonl'], /is the file of the answers/],
  [
    'a server',
    ['--review', '0.9', '--review-to', 'r.jsonl', '-o', 'x.jsonl', '--server', 'http://127.0.0.1:1'],
    /servers do not tell how sure/,
  ],
  ['no probability', ['--review', '2', '--review-to', 'r.jsonl'], /expected a number from 0 to 1/],
] as const) {
  test(`${what} is refused`, async () => {
    const { exitCode, stderr } = await cli(['batch', pictures[0]!, '-p', 'x', ...runtime(), ...words]);
    assert.match(stderr, says);
    assert.equal(exitCode, 2);
  });
}
