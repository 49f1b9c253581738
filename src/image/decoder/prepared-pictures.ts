import { type LoadOptions, type Picture, loadPictures, sha256Of } from './load.ts';

/** Twenty of Pixtral-12B's largest. */
export const preparedBytes = 256 * 2 ** 20;

interface Prepared {
  pictures: readonly Picture[];
  byteLength: number;
}

/** What became of files that were asked for before, in the same way: those used last stay, in so many bytes. */
export class PreparedPictures {
  readonly #maxBytes: number;
  /** The one used last stands last. */
  readonly #prepared = new Map<string, Prepared>();
  #bytes = 0;

  constructor({ maxBytes }: { maxBytes: number }) {
    this.#maxBytes = maxBytes;
  }

  /** As `loadPictures`, whose values are the same ones where they are known: nobody may write to them. */
  async load({ name, bytes }: { name: string; bytes: Uint8Array }, options: LoadOptions): Promise<Picture[]> {
    const start = performance.now();
    const sha256 = await sha256Of(bytes);
    const key = keyOf(sha256, options);
    const known = this.#prepared.get(key);
    if (!known) {
      const pictures = await loadPictures({ name, bytes, sha256 }, options);
      this.#keep(key, { pictures, byteLength: pictures.reduce((sum, picture) => sum + byteLengthOf(picture), 0) });
      return pictures;
    }
    this.#keep(key, known);
    const milliseconds = (performance.now() - start) / known.pictures.length;
    return known.pictures.map((picture) => ({ ...picture, source: name, milliseconds }));
  }

  #keep(key: string, prepared: Prepared): void {
    this.#forget(key);
    this.#prepared.set(key, prepared);
    this.#bytes += prepared.byteLength;
    for (const oldest of this.#prepared.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#prepared.get(key)?.byteLength ?? 0;
    this.#prepared.delete(key);
  }
}

/** Everything that the result depends on, but for its name. */
function keyOf(
  sha256: string,
  { image, selection, crops, drawSize, text = false, maxPages, form = 'patches' }: LoadOptions,
): string {
  return JSON.stringify([sha256, image, selection, crops, drawSize, text, maxPages, form]);
}

/** What a picture says of itself, and its entry. */
const besidePixels = 1024;

function byteLengthOf({ patches, png, text = '' }: Picture): number {
  return patches.byteLength + (png?.byteLength ?? 0) + 2 * text.length + besidePixels;
}
