import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEngine } from '../../src/engine/engine.ts';
import type { ModelPaths } from '../../src/engine/resolve.ts';
import type { Chunk } from '../../src/prompt/message.ts';
import type { Picture } from '../../src/image/load.ts';
import { loadFile } from '../helpers/pictures.ts';

/** A held-out drawing (or two) of fixtures/demo/world.py with one question. */
export interface Scene {
  /** Names in the scenes' folder. */
  images: string[];
  /** `colour`, `count`, `json`, ... */
  kind: string;
  prompt: string;
  answer: string;
}

export function readScenes(folder: string): Scene[] {
  return JSON.parse(readFileSync(join(folder, 'scenes.json'), 'utf8')) as Scene[];
}

/** What the model says to each scene, greedily, through the engine that `pixtral ask` runs. */
export async function askScenes(
  scenes: readonly Scene[],
  { folder, paths, onAnswer }: { folder: string; paths: ModelPaths; onAnswer?: (index: number, text: string) => void },
): Promise<string[]> {
  const runtime = { gpu: 'off', gpuLayers: 0, threads: 'auto', contextSize: 1024, batchSize: 512 } as const;
  const engine = await openEngine({ ...paths, ...runtime, cacheType: 'f32' });
  const answers: string[] = [];
  try {
    for (const [index, scene] of scenes.entries()) {
      const content: Chunk<Picture>[] = [];
      for (const image of scene.images) {
        content.push({ kind: 'image', image: await loadFile(join(folder, image), engine.files.image) });
      }
      content.push({ kind: 'text', text: scene.prompt });
      const sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 1, repeatPenalty: 1, stop: [] };
      let text = '';
      for await (const event of engine.ask([{ role: 'user', content }], { ...sampling, maxTokens: 200 })) {
        if (event.kind === 'answer') text = event.answer.text;
      }
      answers.push(text);
      onAnswer?.(index, text);
    }
  } finally {
    await engine.close();
  }
  return answers;
}
