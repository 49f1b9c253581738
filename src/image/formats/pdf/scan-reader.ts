import type { Pixels } from '../../pixels/patches.ts';
import type { Size } from '../opened.ts';
import type { PdfDocument } from './document.ts';
import { decodeScan, scanOf } from './scans.ts';

type Reading = Promise<Pixels | undefined>;

/** Reads the scans of a document, each ahead of its turn while the one before it is resized. */
export class ScanReader {
  readonly #document: PdfDocument;
  readonly #sizeOf: (index: number) => Size;
  readonly #hasJpegs: boolean;
  #ahead: { index: number; reading: Reading } | undefined;

  constructor(document: PdfDocument, sizeOf: (index: number) => Size) {
    this.#document = document;
    this.#sizeOf = sizeOf;
    this.#hasJpegs = document.mentions('/DCTDecode');
  }

  /** @returns undefined for a page that is no scan */
  async read(index: number): Reading {
    if (!this.#hasJpegs) return undefined;
    const reading = this.#ahead?.index === index ? this.#ahead.reading : this.#start(index);
    const pixels = await reading;
    const next = index + 1;
    const isNext = pixels !== undefined && next < this.#document.pageCount;
    this.#ahead = isNext ? { index: next, reading: this.#start(next) } : undefined;
    return pixels;
  }

  async #start(index: number): Reading {
    try {
      const size = this.#sizeOf(index);
      const scan = scanOf(this.#document, { index, size });
      return scan && (await decodeScan(scan, size));
    } catch {
      return undefined; // whoever draws the page finds what is wrong with it
    }
  }
}
