import { stat } from 'node:fs/promises';
import type { Line } from '../../base/lines.ts';
import { type LinePlace, type RecordLines, bytesLines, fileLines } from '../batch/record-lines.ts';

/** Where a line stands, to be read again when its turn comes. */
export interface ResultPlace extends LinePlace {
  path: string;
}

/** So many files are open at once: a large job has thousands of them. */
const maxOpen = 64;

/** Files of results, whose lines are read twice: once to know what there is, once more to be written out in order. */
export class ResultFiles {
  readonly #stdin: () => Promise<Uint8Array>;
  /** The one used last stands last. */
  readonly #open = new Map<string, RecordLines>();
  /** Pipes can be read only once. */
  readonly #kept = new Map<string, RecordLines>();

  constructor(stdin: () => Promise<Uint8Array>) {
    this.#stdin = stdin;
  }

  async *lines(path: string): AsyncGenerator<Line, void> {
    yield* (await this.#file(path)).lines();
  }

  async read(place: ResultPlace): Promise<Uint8Array> {
    return (await this.#file(place.path)).read(place);
  }

  async close(): Promise<void> {
    for (const file of [...this.#open.values(), ...this.#kept.values()]) await file.close();
  }

  async #file(path: string): Promise<RecordLines> {
    const known = this.#kept.get(path) ?? this.#open.get(path) ?? (await this.#opened(path));
    if (!this.#open.delete(path)) return known;
    this.#open.set(path, known);
    if (this.#open.size > maxOpen) {
      const [oldest, file] = [...this.#open][0]!;
      this.#open.delete(oldest);
      await file.close();
    }
    return known;
  }

  async #opened(path: string): Promise<RecordLines> {
    if (path === '-') {
      const piped = bytesLines(await this.#stdin(), 'standard input');
      this.#kept.set(path, piped);
      return piped;
    }
    const file = await fileLines(path);
    const isRegular = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    (isRegular ? this.#open : this.#kept).set(path, file);
    return file;
  }
}
