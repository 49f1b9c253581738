import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { recordEntries } from '../../src/cli/batch/record-entries.ts';
import { type RecordLines, bytesLines, fileLines } from '../../src/cli/batch/record-lines.ts';
import { formatMemo } from '../../src/wires/format-memo.ts';
import type { CommonQuestion } from '../../src/cli/batch/entry.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';

const model = ['--model', 'fixtures/checkpoints/mistral'];
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-encodings-'));
  await cp(scenePath('d-17x33.png'), join(folder, 'ü.png'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** As other programs write text. */
const readable: Record<string, (text: string) => Buffer> = {
  'UTF-8': (text) => Buffer.from(text),
  'UTF-8 with a mark': (text) => Buffer.from(`\ufeff${text}`),
  'UTF-16, little-endian': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16, big-endian': (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
};

for (const [encoding, encoded] of Object.entries(readable)) {
  test(`a prompt from a pipe, a list and records in ${encoding} are what they say`, async () => {
    const picture = join(folder, 'ü.png');
    const list = join(folder, 'list.txt');
    await writeFile(list, encoded('ü.png\r\n'));
    const tokens = ['tokens', ...model, '--json'];
    const given = await cli([...tokens, picture, 'Größe?']);
    assert.equal(given.exitCode, 0);
    assert.equal((await cli([...tokens, picture], { stdin: encoded('Größe?\r\n') })).stdout, given.stdout);
    assert.equal((await cli([...tokens, `@${list}`, 'Größe?'])).stdout, given.stdout);

    const records = join(folder, 'records.jsonl');
    await writeFile(records, encoded('{"id":"ä","images":["ü.png"],"prompt":"Größe?"}\r\n{"id":"2","prompt":"y"}\n'));
    const lines = await fileLines(records);
    try {
      const entries = await entriesOf(lines);
      assert.deepEqual(
        entries.map(({ id }) => id),
        ['ä', '2'],
      );
      const [message] = (await entries[0]!.question()).messages;
      assert.deepEqual(message!.content.at(-1), { kind: 'text', text: 'Größe?' });
    } finally {
      await lines.close();
    }
  });
}

test('what is in no readable encoding is refused with its place, as prompt, list, schema or record', async () => {
  const picture = join(folder, 'ü.png');
  const latin = join(folder, 'latin.txt');
  await writeFile(latin, Buffer.from('a.png\nü.png\n', 'latin1'));
  const prompt = await cli(['tokens', ...model, picture], { stdin: Buffer.from('Was ist größer?', 'latin1') });
  assert.equal(prompt.exitCode, 3);
  assert.match(prompt.stderr, /^error: standard input: is not UTF-8 at byte 11, expected UTF-8/);
  const list = await cli(['tokens', ...model, `@${latin}`, 'x']);
  assert.equal(list.exitCode, 3);
  assert.match(list.stderr, /latin\.txt: is not UTF-8 at byte 7, in line 2, .*Latin-1/);
  const schema = await cli(['ask', ...model, picture, 'x', '--schema', latin]);
  assert.match(schema.stderr, /latin\.txt: is not UTF-8/);

  const [entry] = await entriesOf(bytesLines(Buffer.from('{"prompt":"größer"}', 'latin1'), 'standard input'));
  await assert.rejects(entry!.question(), { code: 'input', message: /^r\.jsonl, line 1: is not UTF-8 at byte 14/ });
  assert.throws(() => bytesLines(Buffer.from('{"prompt":"x"}', 'utf16le'), 'r.jsonl'), {
    code: 'input',
    message: /^r\.jsonl: is UTF-16 \(little-endian\) without a byte order mark/,
  });
});

function entriesOf(lines: RecordLines) {
  const options: CommonQuestion['options'] = {
    maxTokens: 1,
    temperature: 0,
    topP: 1,
    topK: 0,
    minP: 0,
    repeatPenalty: 1,
    seed: 1,
    stop: [],
  };
  const common: CommonQuestion = {
    prompt: undefined,
    system: undefined,
    options,
    detail: 'full',
    formats: formatMemo(),
    readPicture: async () => new Uint8Array(),
    readWords: async () => [],
  };
  return recordEntries(lines, { place: { name: 'r.jsonl', folder }, common });
}
