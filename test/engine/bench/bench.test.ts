import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeLimit, weightsRead } from '../../../src/engine/bench/weights-read.ts';
import { testPicture } from '../../../src/engine/bench/test-picture.ts';
import type { Gguf, GgufTensor, GgufValue } from '../../../src/gguf/types.ts';
import { loadPictures } from '../../../src/image/decoder/load.ts';
import { cli } from '../../helpers/cli.ts';

const tensors = (bytes: Record<string, number>): Gguf['tensors'] =>
  new Map(
    Object.entries(bytes).map(([name, byteLength]): [string, GgufTensor] => [
      name,
      { name, type: 0, dims: [1], offset: 0, byteLength },
    ]),
  );
const gguf = (bytes: Record<string, number>, metadata: [string, GgufValue][] = []): Gguf =>
  ({ tensors: tensors(bytes), metadata: new Map(metadata) }) as Gguf;

test('a step reads all weights but the table of embeddings, and that too where it is the output', () => {
  const own = { 'token_embd.weight': 100, 'blk.0.attn_q.weight': 10, 'output_norm.weight': 1 };
  assert.equal(weightsRead(gguf({ ...own, 'output.weight': 100 })), 111);
  assert.equal(weightsRead(gguf(own)), 111);
});

test("of a mixture's experts those count that a token uses", () => {
  const metadata: [string, GgufValue][] = [
    ['llama.expert_count', { type: 'u32', value: 8 }],
    ['llama.expert_used_count', { type: 'u32', value: 2 }],
  ];
  assert.equal(weightsRead(gguf({ 'output.weight': 4, 'blk.0.ffn_up_exps.weight': 80 }, metadata)), 24);
});

test('weights are read once for all sequences, keys and values for each', () => {
  const config = {
    dim: 8,
    layers: 1,
    heads: 1,
    kvHeads: 1,
    headDim: 8,
    hiddenDim: 8,
    trainedContext: 99,
    vocabularySize: 9,
  };
  const shape = { bandwidth: 10_000, weights: 680, length: 10, config, cacheType: 'f16' } as const; // 320 bytes of cache
  assert.equal(decodeLimit({ ...shape, sequences: 1 }), 10);
  assert.equal(decodeLimit({ ...shape, sequences: 4 }), 40_000 / (680 + 1280));
});

test('the picture that is decoded is a sound one', async () => {
  const image = { patchSize: 16, maxImageSize: 64, spatialMergeSize: 1 };
  const bytes = testPicture({ width: 128, height: 96 });
  const [picture] = await loadPictures({ name: 'test.png', bytes }, { image, maxPages: 1 });
  assert.deepEqual([picture!.width, picture!.height, picture!.grid.columns, picture!.grid.rows], [128, 96, 4, 3]);
});

test('bench measures every stage of the demo model, as a table and as JSON', async () => {
  const { exitCode, stdout, stderr } = await cli(['bench', '--model', 'demo', '--quick', '--gpu', 'off', '--json']);
  assert.equal(exitCode, 0, stderr);
  const report = JSON.parse(stdout) as {
    version: number;
    memory: { copy_bytes_per_second: number };
    stages: {
      name: string;
      seconds?: number;
      per_second?: number;
      limit_per_second?: number | null;
      skipped?: string;
    }[];
  };
  assert.equal(report.version, 1);
  assert.ok(report.memory.copy_bytes_per_second > 1e8);
  const names = report.stages.map(({ name }) => name.replace(/\d+ tokens/, 'n tokens'));
  for (const name of [
    'load, vision tower',
    'tower, 256x256',
    'load, decoder',
    'read, n tokens',
    'write, one at a time',
    'write JSON, one at a time',
    'of that, the grammar',
    'write, 4 at once',
    'write, 8 at once',
  ]) {
    assert.ok(names.includes(name), `${name}: ${names.join('; ')}`);
  }
  for (const { name, seconds, per_second: rate, skipped } of report.stages) {
    assert.ok(skipped !== undefined || (seconds! > 0 && rate! > 0), name);
  }
  const one = report.stages.find(({ name }) => name === 'write, one at a time');
  assert.ok(one!.limit_per_second! > 0);
});

test('what cannot be measured is refused before weights are loaded', async () => {
  const wrong = await cli(['bench', '--model', 'demo', '--gpu', 'off', '--cache-type', 'f8']);
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /--cache-type f8: expected one of/);
  assert.equal((await cli(['bench'])).exitCode, 4);
  const stopped = await cli(['bench', '--model', 'demo', '--gpu', 'off'], { signal: AbortSignal.abort(2) });
  assert.equal(stopped.exitCode, 130);
});
