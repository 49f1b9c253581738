import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openJournal } from '../../src/store/journal.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-journal-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const begin = '{"n":';
async function open(path: string) {
  const seen: string[] = [];
  const journal = await openJournal<string>(path, {
    readEntry: (line) => (line.startsWith(begin) && line.endsWith('}') ? line : undefined),
    beginsLikeEntry: (part) => part.startsWith(begin) || begin.startsWith(part),
    onEntry: (line) => seen.push(line),
    entryName: 'answer of pixtral batch',
  });
  return { journal, seen };
}

const lines = ['{"n":1,"text":"größe"}', '{"n":2}', '{"n":3,"text":"..."}'];

test('a file cut at any byte goes on behind its last whole line, and ends up with each line once', async () => {
  const whole = Buffer.from(`${lines.join('\n')}\n`);
  for (let length = 0; length <= whole.length; length++) {
    const path = join(folder, 'cut.jsonl');
    await writeFile(path, whole.subarray(0, length));
    const { journal, seen } = await open(path);
    assert.deepEqual(seen, lines.slice(0, seen.length), `${length} bytes`);
    assert.equal(journal.repaired, length > 0 && whole[length - 1] !== 0x0a, `${length} bytes`);
    for (const line of lines.slice(seen.length)) await journal.append(line);
    await journal.close();
    assert.deepEqual(await readFile(path), whole);
  }
});

test('a second writer is refused while the first has the file, and not afterwards', async () => {
  const path = join(folder, 'shared.jsonl');
  const { journal } = await open(path);
  await assert.rejects(open(path), /shared\.jsonl: another process is writing to it/);
  await journal.append(lines[0]!);
  await journal.close();
  const again = await open(path);
  assert.deepEqual(again.seen, [lines[0]]);
  await again.journal.close();
});

test('a file of anything else is refused and stays as it is', async () => {
  for (const text of ['my notes\nfor later', 'my notes', '{"other":1}\n', `${lines[0]}\nmy notes`]) {
    const path = join(folder, 'notes.txt');
    await writeFile(path, text);
    await assert.rejects(open(path), /notes\.txt, line \d: is no answer of pixtral batch/);
    assert.equal(await readFile(path, 'utf8'), text);
  }
  await assert.rejects(open(folder), /cannot be opened|is no regular file/);
});
