import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DrawChain } from '../../src/decoder/draw-chain.ts';
import { Logits } from '../../src/decoder/logits.ts';
import type { DecoderModel } from '../../src/decoder/model.ts';
import { type SamplingOptions, samplers } from '../../src/decoder/samplers.ts';
import { Candidates } from '../../src/native/candidates.ts';
import { loadedDecoder } from '../helpers/loaded.ts';

const decoder = loadedDecoder('f32');
const usual: SamplingOptions = { temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05, seed: 7, repeatPenalty: 1 };
const others: Partial<SamplingOptions>[] = [
  {},
  { topK: 1 },
  { topK: 128, topP: 1, minP: 0 },
  { topK: 129, topP: 1, minP: 0 },
  { topK: 1e6 },
  { topK: 0 },
  { topK: 0, topP: 1, minP: 0, temperature: 2 },
  { repeatPenalty: 1.3 },
  { temperature: 0 },
  { temperature: 0, repeatPenalty: 1.3 },
];

/** Slow and obvious: every token of the vocabulary goes through all samplers of llama.cpp, each time. */
function drawAll(
  { native, config }: Pick<DecoderModel, 'native' | 'config'>,
  options: SamplingOptions,
  { steps, mask }: { steps: readonly Float32Array[]; mask?: Uint32Array },
): number[] {
  const model = { native, config } as DecoderModel;
  const { llama } = model.native;
  const chain = llama.samplerChainInit(llama.samplerChainDefaultParams());
  for (const sampler of Object.values(samplers(model, options)).flat()) llama.samplerChainAdd(chain, sampler);
  const candidates = new Candidates(model.config.vocabularySize);
  const ids = steps.map((logits) => {
    if (mask) candidates.fillAllowed(logits, mask);
    else candidates.fill(logits);
    llama.samplerApply(chain, candidates.header);
    llama.samplerAccept(chain, candidates.selectedId);
    return candidates.selectedId;
  });
  llama.samplerFree(chain);
  return ids;
}

/** Numbers from 0 to less than 1. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

/** Logits of steps, some of them equal among themselves where `values` are few. */
function noise(count: number, { steps, values }: { steps: number; values: number }): Float32Array[] {
  const next = random(12_345);
  return Array.from({ length: steps }, () =>
    Float32Array.from({ length: count }, () => (Math.floor(next() * values) / values) * 12 - 6),
  );
}

for (const other of others) {
  test(`what is drawn with ${JSON.stringify(other)} is what all tokens together would draw, ahead or not`, async () => {
    const { model } = decoder;
    const options = { ...usual, ...other };
    for (const values of [2 ** 20, 300, 3]) {
      const steps = noise(model.config.vocabularySize, { steps: 60, values });
      const expected = drawAll(model, options, { steps });
      for (const isAhead of [false, true]) {
        const chain = new DrawChain(model, options);
        const drawn: number[] = [];
        for (const logits of steps) {
          if (isAhead) await chain.drawAhead(logits);
          const id = chain.draw(logits);
          chain.accept(id);
          drawn.push(id);
        }
        chain.close();
        assert.deepEqual(drawn, expected);
      }
    }
  });
}

/** As of trained models: most of the probability is that of a few tokens, sometimes of many. */
function speech(count: number, steps: number): Float32Array[] {
  const next = random(99);
  const bell = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const bulk = Float32Array.from({ length: count }, () => 2.2 * bell());
  return Array.from({ length: steps }, (_, step) => {
    const logits = Float32Array.from(bulk, (logit) => logit + 0.1 * next());
    const place = (): number => Math.floor(next() * count);
    for (let likely = 0; likely < [0, 4, 40, 400][step % 4]!; likely++) logits[place()] = 8 + 10 * next() * next();
    if (step % 3 > 0) logits[place()] = 18 + 2 * bell();
    return logits;
  });
}

/** Every other token, and all of the second half. */
function manyAllowed(count: number): Uint32Array {
  return Uint32Array.from({ length: Math.ceil(count / 32) }, (_, word) =>
    word * 64 < count ? 0x5555_5555 : 0xffff_ffff,
  );
}

const spoken = { count: 131_072, steps: speech(131_072, 24) };
const usually: Partial<SamplingOptions>[] = [
  { topP: 0.8 },
  { topP: 0.8, minP: 0.1, temperature: 1.5 },
  { topP: 0.3, temperature: 1 },
  { topP: 0.95, temperature: 0.7 },
  { topP: 0.999 },
  { topP: 0 },
  { topP: 1, minP: 0.05, temperature: 1 },
  { topP: 0.8, repeatPenalty: 1.3 },
  { topP: 0.8, repeatPenalty: 0.5 },
  { topP: 1, minP: 0.2, repeatPenalty: 1.1 },
  { topK: 40, topP: 0.9, repeatPenalty: 1.1 },
  { temperature: 0, repeatPenalty: 1.5 },
];

for (const other of usually) {
  test(`of a whole vocabulary ${JSON.stringify(other)} draws what llama.cpp draws of it, and of what a mask allows`, async () => {
    const { count, steps } = spoken;
    const [config, mask] = [{ ...decoder.model.config, vocabularySize: count }, manyAllowed(count)];
    const [logits, changedLogits] = [new Logits(count), new Logits(count)];
    const model = { native: decoder.model.native, config, logits, changedLogits } as DecoderModel;
    for (const seed of [1, 2, 3]) {
      const options = { temperature: 0.35, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, ...other, seed };
      const chains = Array.from({ length: 3 }, () => new DrawChain(model, options));
      const drawn: number[][] = [[], [], []];
      for (const step of steps) {
        await chains[1]!.drawAhead(step);
        const ids = [chains[0]!.draw(step), chains[1]!.draw(step), chains[2]!.drawAllowed(step, mask)!];
        for (const [at, id] of ids.entries()) {
          drawn[at]!.push(id);
          chains[at]!.accept(id);
        }
      }
      for (const chain of chains) chain.close();
      const all = drawAll(model, options, { steps });
      assert.deepEqual(drawn, [all, all, drawAll(model, options, { steps, mask })]);
    }
  });
}

test('several chains that draw at once draw what each would alone', async () => {
  const { model } = decoder;
  const steps = noise(model.config.vocabularySize, { steps: 40, values: 2 ** 20 });
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  const chains = seeds.map((seed) => new DrawChain(model, { ...usual, topK: 0, seed }));
  const drawn: number[][] = seeds.map(() => []);
  for (const logits of steps) {
    await Promise.all(chains.map((chain) => chain.drawAhead(logits)));
    for (const [at, chain] of chains.entries()) drawn[at]!.push(chain.draw(logits));
  }
  for (const chain of chains) chain.close();
  assert.deepEqual(
    drawn,
    seeds.map((seed) => drawAll(model, { ...usual, topK: 0, seed }, { steps })),
  );
});

test('of the tokens that are allowed none is drawn where there is none, greedily the first of the likeliest', () => {
  const { model } = decoder;
  const count = model.config.vocabularySize;
  const logits = new Float32Array(count).fill(1, 40, 60);
  const mask = new Uint32Array(Math.ceil(count / 32));
  for (const options of [usual, { ...usual, temperature: 0 }]) {
    const chain = new DrawChain(model, options);
    mask.fill(0);
    assert.equal(chain.drawAllowed(logits, mask), undefined);
    mask[1] = 1 << 13; // 45
    assert.equal(chain.drawAllowed(logits, mask), 45);
    mask[0] = 1 << 3;
    mask[1] = (1 << 13) | (1 << 14);
    if (options.temperature === 0) assert.equal(chain.drawAllowed(logits, mask), 45);
    chain.close();
  }
});
