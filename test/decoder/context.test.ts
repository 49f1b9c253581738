import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CacheType, cacheTypes } from '../../src/decoder/cache-types.ts';
import { DecoderContext } from '../../src/decoder/context.ts';
import { Sampler } from '../../src/decoder/sampler.ts';
import type { Sequence } from '../../src/decoder/sequence.ts';
import { relativeError } from '../helpers/checkpoints.ts';
import { seeded } from '../fuzz/mutate.ts';
import { loadedDecoder } from '../helpers/loaded.ts';

const loaded = loadedDecoder('f32');

const random = seeded(1);
const prompt = [1, ...Array.from({ length: 99 }, () => 20 + random(400))];

async function withContext<T>(
  {
    cacheType = 'f32',
    batchSize = 512,
    contextSize = 256,
  }: Partial<Record<'batchSize' | 'contextSize', number>> & {
    cacheType?: CacheType;
  },
  use: (sequence: Sequence) => Promise<T>,
): Promise<T> {
  const shape = { contextSize, sequences: 1, batchSize, cacheType };
  const context = await DecoderContext.open(loaded.model, { ...shape, threads: 1, abort: loaded.abort });
  try {
    return await use(context.sequences[0]!);
  } finally {
    context.close();
  }
}

const logitsAfterPrompt = async (sequence: Sequence): Promise<Float32Array> => {
  await sequence.appendIds(prompt, undefined);
  return sequence.logits().slice();
};

/** Heads of 32 values: one block of the quantised types, which lose what their bits cannot hold. */
const limits: Record<CacheType, number> = {
  f32: 1e-6,
  f16: 1e-3,
  bf16: 1e-2,
  q8_0: 2e-2,
  q5_1: 0.1,
  q5_0: 0.1,
  q4_1: 0.2,
  q4_0: 0.2,
  iq4_nl: 0.2,
};

for (const cacheType of Object.keys(cacheTypes) as CacheType[]) {
  test(`logits with a KV cache in ${cacheType} are those of f32 within its precision`, async () => {
    const exact = await withContext({}, logitsAfterPrompt);
    const error = relativeError(await withContext({ cacheType }, logitsAfterPrompt), exact);
    assert.ok(error <= limits[cacheType], `relative error ${error}`);
  });
}

test('the batch size does not change what the prompt means', async () => {
  const whole = await withContext({}, logitsAfterPrompt);
  const pieces = await withContext({ batchSize: 7 }, logitsAfterPrompt);
  assert.ok(relativeError(pieces, whole) < 1e-5);
});

test('greedy answers are equal, again and again', async () => {
  const answer = (): Promise<number[]> =>
    withContext({ cacheType: 'f16' }, async (sequence) => {
      await sequence.appendIds(prompt, undefined);
      const greedy = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 1, repeatPenalty: 1 };
      const sampler = new Sampler(loaded.model, greedy);
      const ids: number[] = [];
      while (ids.length < 32) {
        ids.push(sampler.sample(sequence));
        await sequence.appendIds(ids.slice(-1), undefined);
      }
      sampler.close();
      return ids;
    });
  assert.deepEqual(await answer(), await answer());
});

test('more tokens than the context holds are refused before llama.cpp sees them', async () => {
  await withContext({}, async (sequence) => {
    const long = Array.from({ length: sequence.context.contextSize + 1 }, () => 20);
    await assert.rejects(sequence.appendIds(long, undefined), { code: 'input', message: /the context holds 256/ });
  });
});

test('ids outside the vocabulary and rows of another width never reach llama.cpp', async () => {
  await withContext({}, async (sequence) => {
    await assert.rejects(sequence.appendIds([512], undefined), /id 512 is outside the vocabulary of 512/);
    await assert.rejects(sequence.appendIds([-1], undefined), /outside the vocabulary/);
    await assert.rejects(sequence.appendRows(new Float32Array(97), undefined), /97 values are no rows of 96/);
  });
});

test('a set abort flag stops the prefill and throws the reason', async () => {
  await withContext({}, async (sequence) => {
    const controller = new AbortController();
    loaded.abort.set();
    controller.abort(new Error('enough'));
    await assert.rejects(sequence.appendIds(prompt, controller.signal), /enough/);
    loaded.abort.clear();
  });
});
