import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { answersIn, lengthOf, spawnBatch, untilBytes } from '../helpers/batch-process.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let pair: ConvertedPair;
let scratch: string;
before(async () => {
  pair = await convertedPair('mistral', 'f16');
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-ends-'));
});
after(async () => {
  await pair.remove();
  await rm(scratch, { recursive: true, force: true });
});

const flags = (): string[] => ['--model', pair.folder, '--gpu', 'off', '--threads', '1', '--no-cache'];

/** So many that none of these tests sees the end. */
async function manyRecords(count: number): Promise<string> {
  const path = join(scratch, `records-${count}.jsonl`);
  const images = ['a-80x48.png', 'b-48x80.png', 'd-17x33.png'].map(scenePath);
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ id: `r${index}`, images: [images[index % 3]], prompt: `question ${index}` }),
  );
  await writeFile(path, lines.join('\n'));
  return path;
}

test('killed at any moment and resumed, each record is there once, with the answer of an undisturbed run', async () => {
  const job = ['--records', await manyRecords(40), ...flags(), '--temperature', '0', '--max-tokens', '4'];
  const whole = join(scratch, 'whole.jsonl');
  assert.equal((await cli(['batch', ...job, '-o', whole])).exitCode, 0);
  const killed = join(scratch, 'killed.jsonl');
  for (const [part, offset] of [
    [0.2, 1],
    [0.5, 100],
    [0.8, 0],
  ] as const) {
    const child = spawnBatch([...job, '-o', killed]);
    await untilBytes(child, { path: killed, bytes: lengthOf(whole) * part + offset });
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  const cut = lengthOf(killed);
  assert.ok(cut < lengthOf(whole), 'it was never interrupted');
  const { exitCode, stderr } = await cli(['batch', ...job, '-o', killed]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /^\d+ done, 0 failed, [1-9]\d* skipped$/m);
  assert.deepEqual(answersIn(killed), answersIn(whole));
});

for (const [signal, expected, says] of [
  ['SIGTERM', 143, /finishing the records in work/],
  ['SIGINT', 130, /^\d+ done, 0 failed, 0 skipped\n$/],
] as const) {
  test(`${signal} ends a batch with ${expected}, and every line that is there is whole`, async () => {
    const out = join(scratch, `${signal}.jsonl`);
    const child = spawnBatch(['--records', await manyRecords(5000), ...flags(), '-o', out]);
    let stderr = '';
    child.stderr!.on('data', (text: Buffer) => (stderr += text.toString()));
    await untilBytes(child, { path: out, bytes: 1 });
    child.kill(signal);
    const [code] = await once(child, 'close');
    assert.equal(code, expected, stderr);
    assert.match(stderr, says);
    assert.match(stderr, new RegExp(`^${answersIn(out).length} done`, 'm'));
  });
}

test('a reader that closes the pipe ends a batch with 141', async () => {
  const child = spawnBatch(['--records', await manyRecords(5000), ...flags()]);
  await once(child.stdout!, 'data');
  child.stdout!.destroy();
  const [code] = await once(child, 'close');
  assert.equal(code, 141);
});
