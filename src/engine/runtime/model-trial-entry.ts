/** What model-trial.ts forks: opens a pair and asks it for a token about a picture of one patch. */
import { endWithParent } from '../../base/own-process.ts';
import { openEngine } from '../engine.ts';
import type { ModelTrial } from './model-trial.ts';

endWithParent({ maxBytes: Infinity });
try {
  await ask(JSON.parse(process.argv[3]!) as ModelTrial);
} catch {
  // Errors are no end: whoever asks next meets them, with their message.
}
process.send?.('lives', () => process.removeAllListeners('disconnect').disconnect());

async function ask(pair: ModelTrial): Promise<void> {
  const engine = await openEngine({
    ...pair,
    gpuLayers: 'auto',
    threads: 'auto',
    contextSize: 'auto',
    batchSize: 512,
    cacheType: 'f16',
    parallel: 1,
    questions: 1,
    reproducible: false,
  });
  const { patchSize, spatialMergeSize } = engine.files.image;
  const side = patchSize * spatialMergeSize;
  const grid = { columns: 1, rows: 1, width: side, height: side };
  const patches = new Float32Array(3 * side ** 2);
  const image = { source: 'trial', sha256: '', width: side, height: side, grid, patches, milliseconds: 0 };
  const content = [{ kind: 'image', image } as const, { kind: 'text', text: 'a' } as const];
  const options = { temperature: 0, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, seed: 1, maxTokens: 1, stop: [] };
  try {
    for await (const _event of engine.ask({ messages: [{ role: 'user', content }], options })) void 0;
  } finally {
    await engine.close();
  }
}
