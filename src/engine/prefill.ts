import type { DecoderContext } from '../decoder/context.ts';
import type { Picture } from '../image/load.ts';
import type { Run } from '../prompt/encode.ts';
import type { VisionEncoder } from '../vision/encoder.ts';
import { availableMemory } from './budget.ts';
import type { StageClock } from './clock.ts';
import type { EngineEvent } from './events.ts';
import { imageRows } from './image-rows.ts';
import type { Kept } from './kept.ts';

export interface PrefillOptions {
  /** Without any token. */
  context: DecoderContext;
  /** Loads the tower when the first picture needs it. */
  openEncoder: () => Promise<VisionEncoder>;
  imgBreak: Float32Array;
  imgEnd: Float32Array;
  kept: Kept | undefined;
  clock: StageClock;
  signal: AbortSignal | undefined;
}

/** A copy of the KV state must not push the weights out of memory. */
const shareOfMemory = 0.25;

/**
 * Feeds a prompt, picture by picture: one picture's rows are in memory at a time. Goes on from what earlier questions
 * left, and leaves the state after the last picture for the next.
 * @returns pictures that the tower did not have to look at
 */
export async function* prefill(
  runs: readonly Run<Picture>[],
  options: PrefillOptions,
): AsyncGenerator<EngineEvent, Set<Picture>> {
  const { context, kept, clock, signal } = options;
  const lastImage = runs.findLastIndex(({ kind }) => kind === 'image');
  const start = await clock.time('prefill_ms', () => restored(runs, options));
  const cached = new Set(runs.slice(0, start).flatMap((run) => (run.kind === 'image' ? [run.image] : [])));
  for (const run of runs) if (run.kind === 'image') clock.add('image_ms', run.image.milliseconds);
  let pictures = cached.size;
  for (const [index, run] of runs.entries()) {
    if (index < start) continue;
    if (run.kind === 'image') {
      yield { kind: 'stage', stage: 'encode', detail: run.image.source };
      const rows = await pictureRows(run.image, { ...options, cached });
      yield { kind: 'stage', stage: 'prefill', detail: `picture ${++pictures}` };
      await clock.time('prefill_ms', () => context.appendRows(rows, signal));
      if (index === lastImage && kept) await keepState(runs.slice(0, index + 1), kept, context);
    } else {
      yield { kind: 'stage', stage: 'prefill' };
      await clock.time('prefill_ms', () => context.appendIds(run.ids, signal));
    }
  }
  return cached;
}

/** How many runs are in the context after what was kept is restored. */
async function restored(runs: readonly Run<Picture>[], { context, kept }: PrefillOptions): Promise<number> {
  const prefix = await kept?.prefix(runs);
  if (!prefix) return 0;
  return (await context.restore(prefix.state, prefix.length)) ? prefix.runs : 0;
}

async function keepState(runs: readonly Run<Picture>[], kept: Kept, context: DecoderContext): Promise<void> {
  const byteLength = context.stateByteLength();
  if (!kept.accepts(byteLength) || byteLength > availableMemory() * shareOfMemory) return;
  kept.keepPrefix(runs, await context.state());
}

async function pictureRows(
  picture: Picture,
  { cached, ...options }: PrefillOptions & { cached: Set<Picture> },
): Promise<Float32Array> {
  const { columns, rows } = picture.grid;
  const { imgBreak, imgEnd, kept } = options;
  const known = await kept?.rows(picture);
  if (known) cached.add(picture);
  const encoded = known ?? (await encode(picture, options));
  return imageRows(encoded, { columns, rows, imgBreak, imgEnd });
}

async function encode(picture: Picture, { openEncoder, kept, clock, signal }: PrefillOptions): Promise<Float32Array> {
  const encoder = await clock.time('load_ms', openEncoder);
  const merge = encoder.config.spatialMergeSize;
  const { grid, patches } = picture;
  const { rows } = await clock.time('encode_ms', () =>
    encoder.encode(
      { columns: grid.columns * merge, rows: grid.rows * merge, values: patches },
      { keepTower: false, signal },
    ),
  );
  return kept ? kept.keepRows(picture, rows) : rows;
}
