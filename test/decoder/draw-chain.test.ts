import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DrawChain } from '../../src/decoder/draw-chain.ts';
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
function drawAll(model: DecoderModel, options: SamplingOptions, steps: readonly Float32Array[]): number[] {
  const { llama } = model.native;
  const chain = llama.samplerChainInit(llama.samplerChainDefaultParams());
  for (const sampler of samplers(model, options)) llama.samplerChainAdd(chain, sampler);
  const candidates = new Candidates(model.config.vocabularySize);
  const ids = steps.map((logits) => {
    candidates.fill(logits);
    llama.samplerApply(chain, candidates.header);
    llama.samplerAccept(chain, candidates.selectedId);
    return candidates.selectedId;
  });
  llama.samplerFree(chain);
  return ids;
}

/** Logits of steps, some of them equal among themselves where `values` are few. */
function noise(count: number, { steps, values }: { steps: number; values: number }): Float32Array[] {
  let state = 12_345;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
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
      const expected = drawAll(model, options, steps);
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
    seeds.map((seed) => drawAll(model, { ...usual, topK: 0, seed }, steps)),
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
