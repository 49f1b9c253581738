import { DecoderContext } from '../../src/decoder/context.ts';
import { embeddingRows } from '../../src/decoder/embedding-rows.ts';
import { DecoderModel } from '../../src/decoder/model.ts';
import { Sampler } from '../../src/decoder/sampler.ts';
import type { Sequence } from '../../src/decoder/sequence.ts';
import { imageRows } from '../../src/engine/pictures/image-rows.ts';
import { readModelFiles } from '../../src/engine/runtime/model-files.ts';
import type { Picture } from '../../src/image/decoder/load.ts';
import { AbortFlag } from '../../src/native/abort-flag.ts';
import { mainDevice } from '../../src/native/devices.ts';
import type { Native } from '../../src/native/native.ts';
import { encodePrompt } from '../../src/prompt/encode.ts';
import type { Chunk, Message } from '../../src/prompt/message.ts';
import { VisionEncoder } from '../../src/vision/encoder.ts';
import { type GoldenCase, scenePath } from './checkpoints.ts';
import { loadFile } from './pictures.ts';
import { type Mistake, mistakenLayout, mistakenPatches, mistakenRows } from './mistakes.ts';

export interface GoldenRun {
  ids: number[];
  tower: Float32Array[];
  adapter: Float32Array[];
  /** After the whole prompt, [vocabulary]. */
  logits: Float32Array;
  greedy: number[];
}

type GoldenMessage = GoldenCase['messages'][number];

/** A loaded tiny model whose every intermediate result can be looked at, and which can be built wrongly. */
export interface GoldenModel {
  run(golden: GoldenCase): Promise<GoldenRun>;
  /** What it says, greedily, and the logarithm of the probability of just that, `</s>` included. */
  answer(messages: readonly GoldenMessage[]): Promise<{ text: string; logprob: number }>;
  close(): void;
}

const greedySampling = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 1, repeatPenalty: 1 };

export async function openGoldenModel(
  native: Native,
  paths: { model: string; mmproj: string },
  { mistake, contextSize = 1024 }: { mistake?: Mistake | undefined; contextSize?: number } = {},
): Promise<GoldenModel> {
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

  async function messagesOf(messages: readonly GoldenMessage[]): Promise<Message<Picture>[]> {
    const loaded: Message<Picture>[] = [];
    for (const { role, content } of messages) {
      const chunks: Chunk<Picture>[] = [];
      for (const part of content) {
        if ('text' in part) chunks.push({ kind: 'text', text: part.text });
        else chunks.push({ kind: 'image', image: await loadFile(scenePath(part.image), files.image) });
      }
      loaded.push({ role, content: chunks });
    }
    return loaded;
  }

  async function encode({ grid, patches: values }: Picture): Promise<{ tower: Float32Array; rows: Float32Array }> {
    const merge = encoder.config.spatialMergeSize;
    const patches = { columns: grid.columns * merge, rows: grid.rows * merge, values };
    const encoded = await encoder.encode(mistakenPatches(patches, mistake), { keepTower: true, signal: undefined });
    return { tower: encoded.tower!, rows: mistakenRows(encoded.rows, grid, mistake) };
  }

  /** Reads a prompt into a fresh context; `onImage` sees each picture's results. */
  async function prefill(
    messages: readonly GoldenMessage[],
    onImage: (encoded: { tower: Float32Array; rows: Float32Array }) => void,
  ): Promise<{ sequence: Sequence; ids: number[] }> {
    const runs = encodePrompt(await messagesOf(messages), files.tekken);
    const options = { contextSize, sequences: 1, batchSize: 512, threads: 2, cacheType: 'f32', abort } as const;
    const context = await DecoderContext.open(model, options);
    const sequence = context.sequences[0]!;
    for (const run of runs) {
      if (run.kind === 'ids') await sequence.appendIds(run.ids, undefined);
      else {
        const encoded = await encode(run.image);
        onImage(encoded);
        const grid = mistakenLayout(run.image.grid, mistake);
        const laidOut = imageRows(encoded.rows, { ...grid, imgBreak: imgBreak!, imgEnd: imgEnd! });
        await sequence.appendRows(laidOut, undefined);
      }
    }
    return { sequence, ids: runs.flatMap(({ ids }) => ids) };
  }

  async function generate(sequence: Sequence, length: number): Promise<number[]> {
    const sampler = new Sampler(model, greedySampling);
    const ids: number[] = [];
    while (ids.length < length) {
      ids.push(sampler.sample(sequence));
      if (ids.length < length) await sequence.appendIds(ids.slice(-1), undefined);
    }
    sampler.close();
    return ids;
  }

  return {
    async run(golden) {
      const tower: Float32Array[] = [];
      const adapter: Float32Array[] = [];
      const { sequence, ids } = await prefill(golden.messages, (encoded) => {
        tower.push(encoded.tower);
        adapter.push(encoded.rows);
      });
      try {
        const logits = sequence.logits().slice();
        return { ids, tower, adapter, logits, greedy: await generate(sequence, golden.greedy.length) };
      } finally {
        sequence.context.close();
      }
    },
    async answer(messages) {
      const { sequence } = await prefill(messages, () => {});
      try {
        const end = files.tekken.id('</s>');
        const ids: number[] = [];
        let logprob = 0;
        for (;;) {
          const { id, logprob: share } = likeliest(sequence.logits());
          logprob += share;
          if (id === end || ids.length === 200) return { text: files.tekken.decode(ids), logprob };
          ids.push(id);
          await sequence.appendIds([id], undefined);
        }
      } finally {
        sequence.context.close();
      }
    },
    close() {
      model.close();
      encoder.close();
    },
  };
}

function likeliest(logits: Float32Array): { id: number; logprob: number } {
  const id = logits.reduce((best, value, at) => (value > logits[best]! ? at : best), 0);
  const sum = logits.reduce((total, value) => total + Math.exp(value - logits[id]!), 0);
  return { id, logprob: -Math.log(sum) };
}
