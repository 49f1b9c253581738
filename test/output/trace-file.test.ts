import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTraceFile } from '../../src/output/trace-file.ts';
import { readTrace } from '../helpers/trace-events.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-trace-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('a trace holds complete events of threads, and pairs of what may overlap', async () => {
  const path = join(folder, 'whole.json');
  const file = openTraceFile(path);
  file.add({ stage: 'grammar', start: 10.0004 }, 10.5);
  file.add({ stage: 'draw', start: 10 }, 11);
  file.add({ stage: 'question', start: 1, detail: { record: 1 } }, 20);
  file.add({ stage: 'question', start: 2, detail: { record: 2 } }, 21);
  file.close();
  const events = readTrace(await readFile(path, 'utf8'));
  const shown = events.filter(({ ph }) => ph !== 'M').map(({ name, ph, ts, dur, args }) => [name, ph, ts, dur, args]);
  assert.deepEqual(shown, [
    ['grammar', 'X', 10000, 500, undefined],
    ['draw', 'X', 10000, 1000, undefined],
    ['question', 'b', 1000, undefined, { record: 1 }],
    ['question', 'e', 20000, undefined, undefined],
    ['question', 'b', 2000, undefined, { record: 2 }],
    ['question', 'e', 21000, undefined, undefined],
  ]);
  assert.deepEqual(
    events.filter(({ name }) => name === 'thread_name').map(({ args }) => args?.['name']),
    ['program', 'questions'],
  );
});

test('what is written before the end lies in the file already, so that of a killed run the most is left', async () => {
  const path = join(folder, 'killed.json');
  const file = openTraceFile(path);
  for (let index = 0; index < 3000; index++) file.add({ stage: 'decode', start: index }, index + 0.5);
  const text = await readFile(path, 'utf8');
  assert.ok(text.length > 128 * 1024);
  readTrace(`${text.slice(0, text.lastIndexOf(',\n'))}]`);
  file.close();
  assert.equal(readTrace(await readFile(path, 'utf8')).filter(({ ph }) => ph === 'X').length, 3000);
});

test('an earlier trace is replaced, and nothing else', async () => {
  const path = join(folder, 'again.json');
  for (const count of [5, 1]) {
    const file = openTraceFile(path);
    for (let index = 0; index < count; index++) file.add({ stage: 'decode', start: index }, index + 0.5);
    file.close();
  }
  assert.equal(readTrace(await readFile(path, 'utf8')).filter(({ ph }) => ph === 'X').length, 1);
  const other = join(folder, 'photo.jpg');
  await writeFile(other, 'a picture');
  assert.throws(() => openTraceFile(other), { code: 'usage', message: /photo\.jpg: is there already and is no trace/ });
  assert.equal(await readFile(other, 'utf8'), 'a picture');
  await symlink(path, join(folder, 'link.json'));
  assert.throws(() => openTraceFile(join(folder, 'link.json')), { code: 'machine' });
  assert.throws(() => openTraceFile(folder), { code: 'machine' });
  assert.throws(() => openTraceFile(join(folder, 'none', 'x.json')), { code: 'machine', message: /cannot write/ });
});
