/**
 * Long prompts beside transformers, on the fixtures' checkpoint in float32: ids, the last logits, and 32 greedy ids.
 *
 *     npm run compare:context -- --python .venv/bin/python [--ids 16600,65536]
 *
 * The Python needs fixtures/requirements.txt. Attention costs the square of the length.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openNative } from '../../src/native/open-native.ts';
import { type GoldenCase, relativeError } from '../helpers/checkpoints.ts';
import { convertedPair } from '../helpers/converted.ts';
import { goldenLimits } from '../helpers/golden-check.ts';
import { openGoldenModel } from '../helpers/golden-run.ts';

interface Reference extends Pick<GoldenCase, 'messages' | 'ids' | 'greedy'> {
  logits: number[];
  /** The smallest between the two best logits of a step. */
  gap: number;
}

const { values: flags } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, ids: { type: 'string', default: '16600' } },
});
const folder = await mkdtemp(join(tmpdir(), 'pixtral-context-'));
const native = await openNative({ gpu: 'off', onLog: () => {} });
const pair = await convertedPair('mistral', 'f32', native);
try {
  for (const count of flags.ids.split(',')) await compare(count);
} finally {
  await pair.remove();
  await native.close();
  await rm(folder, { recursive: true, force: true });
}

async function compare(count: string): Promise<void> {
  const file = join(folder, 'reference.json');
  execFileSync(flags.python, ['test/peer/long_context.py', count, file], { stdio: 'inherit' });
  const reference = JSON.parse(await readFile(file, 'utf8')) as Reference;
  const contextSize = reference.ids.length + reference.greedy.length;
  const model = await openGoldenModel(native, pair, { contextSize });
  try {
    const run = await model.run({
      ...reference,
      name: count,
      tower: [],
      adapter: [],
      logits: new Float32Array(),
      gaps: [],
    });
    assert.deepEqual(run.ids, reference.ids);
    const error = relativeError(run.logits, Float32Array.from(reference.logits));
    const greedy = run.greedy.filter((id, at) => id === reference.greedy[at]).length;
    process.stdout.write(
      `${run.ids.length} ids: logits differ by ${error.toExponential(1)} (at most ${goldenLimits.f32.logits}), ` +
        `${greedy} of ${reference.greedy.length} greedy ids equal (smallest gap ${reference.gap.toFixed(4)})\n`,
    );
    if (error > goldenLimits.f32.logits) process.exitCode = 1;
  } finally {
    model.close();
  }
}
