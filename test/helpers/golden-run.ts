import { DecoderContext } from '../../src/decoder/context.ts';
import { embeddingRows } from '../../src/decoder/embedding-rows.ts';
import { DecoderModel } from '../../src/decoder/model.ts';
import { Sampler } from '../../src/decoder/sampler.ts';
import { imageRows } from '../../src/engine/image-rows.ts';
import { readModelFiles } from '../../src/engine/model-files.ts';
import { loadPicture } from '../../src/image/load.ts';
import { type Patches, picturePatches } from '../../src/image/patches.ts';
import { AbortFlag } from '../../src/native/abort-flag.ts';
import { mainDevice } from '../../src/native/devices.ts';
import type { Native } from '../../src/native/native.ts';
import { encodePrompt } from '../../src/prompt/encode.ts';
import type { Chunk, Message } from '../../src/prompt/message.ts';
import { VisionEncoder } from '../../src/vision/encoder.ts';
import { type GoldenCase, scenePath } from './checkpoints.ts';

export interface GoldenRun {
  ids: number[];
  tower: Float32Array[];
  adapter: Float32Array[];
  /** After the whole prompt, [vocabulary]. */
  logits: Float32Array;
  greedy: number[];
}

/** A loaded tiny model whose every intermediate result can be looked at. */
export interface GoldenModel {
  run(golden: GoldenCase): Promise<GoldenRun>;
  close(): void;
}

const greedySampling = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 1, repeatPenalty: 1 };

export async function openGoldenModel(native: Native, paths: { model: string; mmproj: string }): Promise<GoldenModel> {
  const files = await readModelFiles(paths);
  const abort = new AbortFlag();
  const encoder = await VisionEncoder.open({
    native,
    gguf: files.mmproj,
    device: mainDevice(native),
    threads: 2,
    abort,
  });
  const model = await DecoderModel.open({ native, gguf: files.model, gpuLayers: 0, abort, signal: undefined });
  const control = ['[IMG_BREAK]', '[IMG_END]'].map((name) => files.tekken.id(name));
  const [imgBreak, imgEnd] = await embeddingRows({ native, gguf: files.model, config: files.decoder }, control);

  async function messagesOf({ messages }: GoldenCase): Promise<Message<Patches>[]> {
    const loaded: Message<Patches>[] = [];
    for (const { role, content } of messages) {
      const chunks: Chunk<Patches>[] = [];
      for (const part of content) {
        if ('text' in part) chunks.push({ kind: 'text', text: part.text });
        else
          chunks.push({
            kind: 'image',
            image: picturePatches(await loadPicture(scenePath(part.image), {}), files.image),
          });
      }
      loaded.push({ role, content: chunks });
    }
    return loaded;
  }

  async function generate(context: DecoderContext, length: number): Promise<number[]> {
    const sampler = new Sampler(model, greedySampling);
    const ids: number[] = [];
    while (ids.length < length) {
      ids.push(sampler.sample(context));
      if (ids.length < length) await context.appendIds(ids.slice(-1), undefined);
    }
    sampler.close();
    return ids;
  }

  return {
    async run(golden) {
      const runs = encodePrompt(await messagesOf(golden), files.tekken);
      const context = await DecoderContext.open(model, {
        contextSize: 512,
        batchSize: 512,
        threads: 2,
        cacheType: 'f32',
        abort,
      });
      try {
        const tower: Float32Array[] = [];
        const adapter: Float32Array[] = [];
        for (const run of runs) {
          if (run.kind === 'ids') await context.appendIds(run.ids, undefined);
          else {
            const { columns, rows } = run.image.grid;
            const merge = encoder.config.spatialMergeSize;
            const encoded = await encoder.encode(
              { columns: columns * merge, rows: rows * merge, values: run.image.values },
              { keepTower: true, signal: undefined },
            );
            tower.push(encoded.tower!);
            adapter.push(encoded.rows);
            await context.appendRows(
              imageRows(encoded.rows, { columns, rows, imgBreak: imgBreak!, imgEnd: imgEnd! }),
              undefined,
            );
          }
        }
        const logits = context.logits();
        return {
          ids: runs.flatMap(({ ids }) => ids),
          tower,
          adapter,
          logits,
          greedy: await generate(context, golden.greedy.length),
        };
      } finally {
        context.close();
      }
    },
    close() {
      model.close();
      encoder.close();
    },
  };
}
