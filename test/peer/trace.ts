import { DecoderContext } from '../../src/decoder/context.ts';
import { embeddingRows } from '../../src/decoder/embedding-rows.ts';
import { DecoderModel } from '../../src/decoder/model.ts';
import type { Sequence } from '../../src/decoder/sequence.ts';
import { imageRows } from '../../src/engine/pictures/image-rows.ts';
import type { ModelFiles } from '../../src/engine/runtime/model-files.ts';
import { AbortFlag } from '../../src/native/abort-flag.ts';
import { mainDevice } from '../../src/native/devices.ts';
import type { Native } from '../../src/native/native.ts';
import { encodePrompt } from '../../src/prompt/encode.ts';
import { VisionEncoder } from '../../src/vision/encoder.ts';
import { loadFile } from '../helpers/pictures.ts';

/** A greedy answer with everything that led to it. */
export interface Trace {
  /** Embedding rows of the picture as the decoder read them, [(columns + 1) * rows, dim]. */
  rows: Float32Array;
  ids: number[];
  /** Per step, [vocabulary]. */
  logits: Float32Array[];
  /** Per step: distance of the two best logits. */
  gaps: number[];
}

export interface Tracer {
  /** @param rows another tower's rows (without the last, [IMG_END]'s) in place of ours */
  run(path: string, options: { prompt: string; rows: Float32Array | undefined; steps: number }): Promise<Trace>;
  close(): void;
}

export async function openTracer(native: Native, files: ModelFiles): Promise<Tracer> {
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
  return {
    async run(path, { prompt, rows: replacement, steps }) {
      const image = await loadFile(path, files.image);
      const runs = encodePrompt(
        [
          {
            role: 'user',
            content: [
              { kind: 'image', image },
              { kind: 'text', text: prompt },
            ],
          },
        ],
        files.tekken,
      );
      const { columns, rows: down } = image.grid;
      const merge = encoder.config.spatialMergeSize;
      const encoded = await encoder.encode(
        { columns: columns * merge, rows: down * merge, values: image.patches },
        { keepTower: false, signal: undefined },
      );
      const rows = imageRows(encoded.rows, { columns, rows: down, imgBreak: imgBreak!, imgEnd: imgEnd! });
      if (replacement) rows.set(replacement);
      const context = await DecoderContext.open(model, {
        contextSize: 512,
        sequences: 1,
        batchSize: 512,
        threads: 2,
        cacheType: 'f32',
        abort,
      });
      const sequence = context.sequences[0]!;
      try {
        for (const run of runs) {
          if (run.kind === 'ids') await sequence.appendIds(run.ids, undefined);
          else await sequence.appendRows(rows, undefined);
        }
        return { rows, ...(await greedy(sequence, model, steps)) };
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

async function greedy(sequence: Sequence, model: DecoderModel, steps: number): Promise<Omit<Trace, 'rows'>> {
  const trace: Omit<Trace, 'rows'> = { ids: [], logits: [], gaps: [] };
  for (let step = 0; step < steps; step++) {
    const logits = sequence.logits().slice();
    const [best = 0, second = 0] = [...logits].sort((a, b) => b - a);
    const id = logits.indexOf(best);
    trace.logits.push(logits);
    trace.gaps.push(best - second);
    if (model.endsGeneration(id)) break;
    trace.ids.push(id);
    await sequence.appendIds([id], undefined);
  }
  return trace;
}
