import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rawArray, text, u32 } from '../../src/gguf/build.ts';
import { type GgufValue } from '../../src/gguf/types.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { goldenCases, relativeError } from '../helpers/checkpoints.ts';
import { convertedPair } from '../helpers/converted.ts';
import { openGoldenModel } from '../helpers/golden-run.ts';
import { rewriteGguf } from '../helpers/rewrite-gguf.ts';

// Pairs of other makers, as found in the wild. `npm run compare:convert` asks pairs that llama.cpp's converter really made.

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

function withoutOurKeys(keys: Map<string, GgufValue>): void {
  for (const key of keys.keys()) if (key.startsWith('pixtral.')) keys.delete(key);
}

const makers: Record<string, { model: (keys: Map<string, GgufValue>) => void; keep: (name: string) => boolean }> = {
  "llama.cpp's converter on Mistral's layout": {
    model(keys) {
      withoutOurKeys(keys);
      const count = (keys.get('tokenizer.ggml.tokens') as { count: number }).count;
      keys.set('tokenizer.ggml.scores', rawArray('f32', count, new Uint8Array(count * 4)));
      keys.set('tokenizer.chat_template', text('mistral-v3-tekken'));
    },
    keep: () => true,
  },
  "llama.cpp's converter on Hugging Face's: another pre-tokenizer, no break row, a wrong context": {
    model(keys) {
      withoutOurKeys(keys);
      keys.set('tokenizer.ggml.pre', text('pixtral'));
      keys.set('llama.context_length', u32(1_024_000));
      keys.delete('tokenizer.chat_template');
      keys.delete('tokenizer.ggml.padding_token_id');
    },
    keep: (name) => name !== 'v.token_embd.img_break',
  },
};

for (const [maker, { model: change, keep }] of Object.entries(makers)) {
  test(`a pair of ${maker} gives the reference's ids and logits`, async (t) => {
    const pair = await convertedPair('mistral', 'f32', native);
    t.after(() => pair.remove());
    await rewriteGguf(pair.model, { change });
    await rewriteGguf(pair.mmproj, { change: withoutOurKeys, keep });
    const model = await openGoldenModel(native, pair);
    t.after(() => model.close());
    for (const golden of goldenCases('mistral').slice(0, 3)) {
      const run = await model.run(golden);
      assert.deepEqual(run.ids, golden.ids, golden.name);
      assert.ok(relativeError(run.logits, golden.logits.slice(-run.logits.length)) < 1e-4, golden.name);
    }
  });
}
