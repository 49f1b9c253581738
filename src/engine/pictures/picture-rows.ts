import type { Trace } from '../../base/trace.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { VisionEncoder } from '../../vision/encoder.ts';
import type { Timings } from '../../asking/events.ts';
import type { Kept } from '../runtime/kept.ts';
import type { PictureKey } from './picture-key.ts';

interface PictureRowsOptions {
  /** Values of a row. */
  dim: number;
  pictureKey: PictureKey;
  kept: () => Kept | undefined;
  /** Loads the tower when the first picture needs it. */
  openEncoder: () => Promise<VisionEncoder>;
  /** Bytes of rows of earlier pictures; the last one always stays. */
  maxBytes: number;
  trace: Trace | undefined;
}

interface Encoded {
  /** After tower and adapter, [columns * rows, dim]. */
  rows: Float32Array;
  /** What the tower took; undefined where the rows were kept from an earlier process. */
  took: Pick<Timings, 'load_ms' | 'encode_ms'> | undefined;
}

/** What the tower makes of pictures, once for equal pictures that follow each other. */
export class PictureRows {
  readonly #options: PictureRowsOptions;
  /** The one used last stands last. */
  readonly #recent = new Map<string, { encoding: Promise<Encoded>; byteLength: number; isNew: boolean }>();
  #tower: Promise<unknown> = Promise.resolve();

  constructor(options: PictureRowsOptions) {
    this.#options = options;
  }

  /** `took` tells whoever asks first what it cost; for others it is undefined. */
  async get(picture: Picture, signal: AbortSignal | undefined): Promise<Encoded> {
    const entry = this.#entry(picture, signal);
    const { rows, took } = await entry.encoding;
    const first = entry.isNew;
    entry.isNew = false;
    this.#forget();
    return { rows, took: first ? took : undefined };
  }

  /** Begins with pictures that will be asked for, as many as may stay. */
  ahead(pictures: readonly Picture[], signal: AbortSignal | undefined): void {
    let bytes = 0;
    for (const picture of pictures) {
      bytes += this.#byteLength(picture);
      if (bytes <= this.#options.maxBytes) this.#entry(picture, signal);
    }
  }

  /** Waits until the tower rests. */
  async settle(): Promise<void> {
    await this.#tower;
  }

  #entry(picture: Picture, signal: AbortSignal | undefined) {
    const key = this.#options.pictureKey(picture);
    const entry = this.#recent.get(key) ?? {
      encoding: this.#encoded(picture, signal),
      byteLength: this.#byteLength(picture),
      isNew: true,
    };
    this.#recent.delete(key);
    this.#recent.set(key, entry);
    entry.encoding.catch(() => this.#recent.delete(key)); // whoever waits for it is told; the next one may fare better
    return entry;
  }

  async #encoded(picture: Picture, signal: AbortSignal | undefined): Promise<Encoded> {
    const known = await this.#options.kept()?.rows(picture);
    if (known) return { rows: known, took: undefined };
    const turn = this.#tower.then(() => this.#encode(picture, signal));
    this.#tower = turn.catch(() => {});
    return turn;
  }

  async #encode(picture: Picture, signal: AbortSignal | undefined): Promise<Encoded> {
    const { grid, patches } = picture;
    const start = performance.now();
    const { openEncoder, trace } = this.#options;
    const encoder = await openEncoder();
    const loaded = performance.now();
    const merge = encoder.config.spatialMergeSize;
    const { rows } = await encoder.encode(
      { columns: grid.columns * merge, rows: grid.rows * merge, values: patches },
      { keepTower: false, signal },
    );
    trace?.add({ stage: 'tower', start: loaded, detail: { picture: picture.source, patches: patches.length } });
    const took = { load_ms: loaded - start, encode_ms: performance.now() - loaded };
    const kept = this.#options.kept();
    return { rows: kept ? await kept.keepRows(picture, rows) : rows, took };
  }

  #byteLength({ grid }: Picture): number {
    return grid.columns * grid.rows * this.#options.dim * Float32Array.BYTES_PER_ELEMENT;
  }

  #forget(): void {
    let bytes = 0;
    for (const { byteLength } of this.#recent.values()) bytes += byteLength;
    for (const [key, { byteLength }] of this.#recent) {
      if (bytes <= this.#options.maxBytes || this.#recent.size === 1) return;
      this.#recent.delete(key);
      bytes -= byteLength;
    }
  }
}
