import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { demoCheckpoint } from '../../src/engine/runtime/demo.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { type ConvertedPair, convertedFolder } from '../helpers/converted.ts';
import { openGoldenModel } from '../helpers/golden-run.ts';
import { type Mistake, mistakes } from '../helpers/mistakes.ts';
import { type Scene, readScenes } from './scenes.ts';

const scenes = readScenes(scenePath('demo'));
/** Largest difference of an answer's log-probability from transformers': what the type's rounding costs, and no more. */
const types = { f32: 0.00002, f16: 0.0005, q8_0: 0.02 } as const;
type Type = keyof typeof types;

let native: Native;
const pairs = new Map<Type, ConvertedPair>();
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
  for (const type of Object.keys(types) as Type[]) pairs.set(type, await convertedFolder(demoCheckpoint, type, native));
});
after(async () => {
  for (const pair of pairs.values()) await pair.remove();
  await native.close();
});

/** What is wrong with its answers: another text, or the right one with another certainty. */
async function faults(type: Type, mistake?: Mistake): Promise<string[]> {
  const model = await openGoldenModel(native, pairs.get(type)!, { mistake });
  const found: string[] = [];
  let furthest = 0;
  try {
    for (const scene of scenes) {
      const { text, logprob } = await model.answer([{ role: 'user', content: contentOf(scene) }]);
      const where = `${scene.images.join()}: ${scene.prompt}`;
      const difference = Math.abs(logprob - scene.logprob!);
      if (text !== scene.answer) found.push(`${where}: ${text}, expected ${scene.answer}`);
      else if (difference > types[type]) found.push(`${where}: log-probability ${logprob}, expected ${scene.logprob}`);
      if (text === scene.answer) furthest = Math.max(furthest, difference);
    }
  } finally {
    model.close();
  }
  return [...found, `of ${scenes.length}, the certainty of right answers within ${furthest.toPrecision(2)}`];
}

function contentOf({ images, prompt }: Scene): ({ text: string } | { image: string })[] {
  return [...images.map((image) => ({ image: `demo/${image}` })), { text: prompt }];
}

for (const type of Object.keys(types) as Type[]) {
  test(`the demonstration model answers ${scenes.length} fixed scenes right at ${type}, as surely as transformers`, async (t) => {
    const found = await faults(type);
    t.diagnostic(found.pop()!);
    assert.deepEqual(found, []);
  });
}

for (const mistake of mistakes) {
  test(`with ${mistake} it would not: the scenes notice`, async (t) => {
    const found = await faults('f32', mistake);
    t.diagnostic(`${found.length - 1} wrong ${found.pop()}`);
    assert.ok(found.length > scenes.length / 2, found.join('\n'));
  });
}
