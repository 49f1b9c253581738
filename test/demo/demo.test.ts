import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { demoCheckpoint } from '../../src/engine/demo.ts';
import { type Native, openNative } from '../../src/native/native.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { type ConvertedPair, convertedFolder } from '../helpers/converted.ts';
import { openGoldenModel } from '../helpers/golden-run.ts';
import { type Mistake, mistakes } from '../helpers/mistakes.ts';
import { type Scene, readScenes } from './scenes.ts';

const scenes = readScenes(scenePath('demo'));
const types = ['f32', 'f16', 'q8_0'] as const;

let native: Native;
const pairs = new Map<string, ConvertedPair>();
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
  for (const type of types) pairs.set(type, await convertedFolder(demoCheckpoint, type, native));
});
after(async () => {
  for (const pair of pairs.values()) await pair.remove();
  await native.close();
});

async function answers(type: string, mistake?: Mistake): Promise<string[]> {
  const model = await openGoldenModel(native, pairs.get(type)!, mistake);
  try {
    const said: string[] = [];
    for (const scene of scenes) said.push(await model.answer([{ role: 'user', content: contentOf(scene) }]));
    return said;
  } finally {
    model.close();
  }
}

function contentOf({ images, prompt }: Scene): ({ text: string } | { image: string })[] {
  return [...images.map((image) => ({ image: `demo/${image}` })), { text: prompt }];
}

const wrong = (said: readonly string[]): number => said.filter((text, i) => text !== scenes[i]!.answer).length;

for (const type of types) {
  test(`the demonstration model answers ${scenes.length} fixed scenes right at ${type}`, async () => {
    const said = await answers(type);
    scenes.forEach(({ answer, images, prompt }, i) => assert.equal(said[i], answer, `${images.join()}: ${prompt}`));
  });
}

for (const mistake of mistakes) {
  test(`with ${mistake} it would not: the scenes notice`, async (t) => {
    const count = wrong(await answers('f32', mistake));
    t.diagnostic(`${count} of ${scenes.length} wrong`);
    assert.ok(count > 0);
  });
}
