/**
 * Pixtral's relatives at size. Without a folder: the bytes of each model's pair of a type, and what asking it takes, as
 * our own planner counts them from the shapes. With a folder: Ministral 3 8B's shapes with some of its layers and random
 * weights, in 8 bits and in bf16, converted one after the other, several times: seconds and peak memory.
 *
 *     npm run measure:families [-- --type q4_k_m]
 *     npm run build && npm run measure:families -- <folder> [--type q4_k_m] [--layers 4] [--rounds 3]
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { planConversion } from '../../src/convert/plan.ts';
import { type ConvertType, convertTypes, defaultMmprojType } from '../../src/convert/types.ts';
import { cacheBytes } from '../../src/decoder/fit.ts';
import { ggmlTypes, tensorByteLength } from '../../src/gguf/types.ts';
import { canonicalTensors } from '../../src/weights/canonical.ts';
import type { ModelConfig, SourceTensor } from '../../src/weights/types.ts';
import { measurePixtral } from './measure.ts';
import { relatives, writeRandomCheckpoint } from './random-checkpoint.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    type: { type: 'string', default: 'q4_k_m' },
    layers: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
  },
});
const type = convertTypes.find((known) => known === flags.type) ?? 'q4_k_m';
const [folder] = positionals;
if (folder === undefined) for (const [name, config] of Object.entries(relatives)) say([name, ...sizes(config, type)]);
else await measure(folder);

function say(columns: readonly string[]): void {
  process.stdout.write(`${columns.join('  ')}\n`);
}

/** As the planner lays the tensors out; headers and vocabulary, 10 MB, are not counted. */
function sizes(config: ModelConfig, type: ConvertType): string[] {
  const tensors = new Map(
    canonicalTensors(config).map(({ gguf, shape }) => {
      const source: SourceTensor = { name: gguf, path: '', dtype: 'BF16', shape, offset: 0, byteLength: 0 };
      return [gguf, source];
    }),
  );
  const options = { type, mmprojType: defaultMmprojType(type), overrides: [], imatrix: undefined };
  const { model, projector } = planConversion({ tensors, config }, options);
  const bytes = (planned: typeof model): number =>
    planned.reduce((sum, { type: id, dims }) => {
      return (
        sum +
        tensorByteLength(
          ggmlTypes.get(id)!,
          dims.reduce((product, dim) => product * dim, 1),
        )
      );
    }, 0);
  const { text } = config;
  const decoder = { ...text, trainedContext: text.contextLength };
  const parts = [bytes(model), bytes(projector), cacheBytes(decoder, 8192, 'f16')];
  return [...parts, parts.reduce((sum, part) => sum + part, 0)].map((size) => `${(size / 1e9).toFixed(2)} GB`);
}

async function measure(folder: string): Promise<void> {
  const whole = relatives['Ministral 3 8B'];
  const config = { ...whole, text: { ...whole.text, layers: Number(flags.layers) } };
  const weights = canonicalTensors(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const kinds = ['float8', 'bf16'] as const;
  await mkdir(folder, { recursive: true });
  try {
    for (const kind of kinds) {
      const options = { config, layout: 'mistral', float8: kind === 'float8' } as const;
      const bytes = await writeRandomCheckpoint(join(folder, kind), options);
      say([kind, `${(weights / 1e9).toFixed(2)} billion weights`, `${(bytes / 1e9).toFixed(2)} GB`]);
    }
    for (let round = 0; round < Number(flags.rounds); round++) {
      for (const kind of kinds) {
        const out = join(folder, `out-${kind}`);
        const done = await measurePixtral(['convert', join(folder, kind), '--type', type, '--out', out, '--json']);
        say([
          kind,
          `${done.seconds.toFixed(2)} s`,
          `peak ${(done.peakResident / 1e6).toFixed(0)} MB`,
          `exit ${done.exitCode}`,
        ]);
        await rm(out, { recursive: true, force: true });
      }
    }
  } finally {
    for (const kind of kinds) await rm(join(folder, kind), { recursive: true, force: true });
  }
}
