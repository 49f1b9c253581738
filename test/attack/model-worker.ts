/** What attack.ts forks: makes mutants and asks the product about them. What it ends by is told by who forked it. */
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PixtralError } from '../../src/base/errors.ts';
import { openEngine } from '../../src/engine/engine.ts';
import { convertCheckpoint } from '../../src/engine/convert.ts';
import { readGguf } from '../../src/gguf/read.ts';
import type { Picture } from '../../src/image/decoder/load.ts';
import { imageGrid } from '../../src/image/pixels/grid.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { type TinyCheckpoint, checkpointFolder } from '../helpers/checkpoints.ts';
import { convertedPair, plainOptions } from '../helpers/converted.ts';
import { type GgufFile, mutateGguf } from './mutate-gguf.ts';
import { mutateJson } from './mutate-json.ts';
import { type Random, mutateBytes, seeded } from './random.ts';
import type { Report, Task } from './attack.ts';

const layouts: readonly TinyCheckpoint[] = ['mistral', 'huggingface', 'merger'];
const pairTypes = ['f32', 'q8_0', 'bf16'] as const;

const opened = await openNative({ gpu: 'off', onLog: () => {} });
/** An engine closes what it is given; this one is for all mutants. */
const native = Object.create(opened, { close: { value: () => Promise.resolve() } }) as Native;
const folder = await mkdtemp(join(tmpdir(), 'pixtral-attack-'));
const pairs = await Promise.all(
  layouts.flatMap((layout) =>
    pairTypes.map(async (type) => {
      const pair = await convertedPair(layout, type, native);
      const read = async (path: string): Promise<GgufFile> => ({
        gguf: await readGguf(path),
        bytes: readFileSync(path),
      });
      const files = { model: await read(pair.model), mmproj: await read(pair.mmproj) };
      await pair.remove();
      return files;
    }),
  ),
);

process.on('message', (task: Task) => void run(task));
process.on('disconnect', () => process.exit());
tell({ kind: 'ready' });

function tell(report: Report): void {
  process.send?.(report);
}

async function run({ seed, index }: Task): Promise<void> {
  const random = seeded(seed, index);
  const start = performance.now();
  const elapsed = (): number => performance.now() - start;
  try {
    await (random.chance(0.7) ? attackPair(random) : attackCheckpoint(random));
    tell({ kind: 'end', index, outcome: 'answered', milliseconds: elapsed() });
  } catch (thrown) {
    const outcome = thrown instanceof PixtralError ? thrown.code : 'trace';
    const text =
      thrown instanceof Error ? (outcome === 'trace' ? (thrown.stack ?? '') : thrown.message) : String(thrown);
    tell({ kind: 'end', index, outcome, text, milliseconds: elapsed() });
  }
}

async function attackPair(random: Random): Promise<void> {
  const pair = random.pick(pairs);
  const paths = { model: join(folder, 'model.gguf'), mmproj: join(folder, 'mmproj.gguf') };
  const [file, other] = random.chance(0.6) ? (['model', 'mmproj'] as const) : (['mmproj', 'model'] as const);
  const { bytes, what } = mutateGguf(pair[file], random);
  tell({ kind: 'mutant', what: `${file}: ${what}` });
  await writeFile(paths[file], bytes);
  await writeFile(paths[other], pair[other].bytes);
  await ask(paths);
}

async function attackCheckpoint(random: Random): Promise<void> {
  const checkpoint = join(folder, 'checkpoint');
  const out = join(folder, 'out');
  for (const path of [checkpoint, out]) await rm(path, { recursive: true, force: true });
  await cp(checkpointFolder(random.pick(layouts)), checkpoint, { recursive: true });
  const names = (await readdir(checkpoint)).filter((name) => !name.startsWith('preprocessor'));
  const name = random.pick(names);
  const path = join(checkpoint, name);
  const bytes = await readFile(path);
  if (name.endsWith('.json')) {
    const { text, what } = mutateJson(bytes.toString(), random);
    tell({ kind: 'mutant', what: `${name}: ${what}` });
    await writeFile(path, random.chance(0.1) ? mutateBytes(Buffer.from(text), random) : text);
  } else {
    tell({ kind: 'mutant', what: name });
    await writeFile(path, mutateSafetensors(bytes, random));
  }
  const type = random.pick(['f32', 'q8_0', 'q4_k_m'] as const);
  await ask(await convertCheckpoint(checkpoint, { ...plainOptions(type, out), native }));
}

/** The header as JSON, with its length in front set right; or bytes anywhere. */
function mutateSafetensors(bytes: Buffer, random: Random): Buffer {
  const length = Number(bytes.readBigUInt64LE());
  if (random.chance(0.5)) return mutateBytes(bytes, random);
  const { text } = mutateJson(bytes.subarray(8, 8 + length).toString(), random);
  const header = Buffer.from(text);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.byteLength));
  return Buffer.concat([prefix, header, bytes.subarray(8 + length)]);
}

/** Opens a pair as a user would and takes two tokens of its answer about a picture. */
async function ask(paths: { model: string; mmproj: string }): Promise<void> {
  const engine = await openEngine({
    ...paths,
    native,
    gpu: 'off',
    gpuLayers: 0,
    threads: 1,
    contextSize: 'auto',
    batchSize: 64,
    cacheType: 'f16',
    parallel: 1,
    questions: 1,
    reproducible: false,
  });
  try {
    const { patchSize, spatialMergeSize } = engine.files.image;
    const side = patchSize * spatialMergeSize;
    const grid = imageGrid({ width: 2 * side, height: side }, engine.files.image);
    const values = grid.columns * grid.rows * spatialMergeSize ** 2 * 3 * patchSize ** 2;
    const patches = Float32Array.from({ length: values }, (_, at) => Math.sin(at));
    const image: Picture = {
      source: 'x',
      sha256: '',
      width: grid.width,
      height: grid.height,
      grid,
      patches,
      milliseconds: 0,
    };
    const content = [{ kind: 'text', text: 'what is it?' } as const, { kind: 'image', image } as const];
    const greedy = { temperature: 0, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, seed: 1, maxTokens: 2, stop: [] };
    for await (const _event of engine.ask({ messages: [{ role: 'user', content }], options: greedy })) void 0;
  } finally {
    await engine.close();
  }
}
