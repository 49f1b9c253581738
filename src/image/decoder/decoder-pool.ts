import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import type { DecodeRequest, DecodedPage } from './decode.ts';
import { type DecoderLimits, DecoderProcess } from './decoder-process.ts';

/** A 250-megapixel progressive JPEG takes 1 GB of pixels and up to 1.5 GB of coefficients; photos take under 0.5 s. */
const defaultLimits: DecoderLimits = { milliseconds: 60_000, maxBytes: 3 * 2 ** 30 };

/** Several decoders, as many as there are cores, while each could have all the memory that it may take. */
export class DecoderPool {
  readonly #entry: URL;
  readonly #limits: DecoderLimits;
  readonly #maxCount: number;
  readonly #idle: DecoderProcess[] = [];
  readonly #waiting: ((decoder: DecoderProcess) => void)[] = [];
  #busy = 0;

  constructor({ entry, limits, maxCount }: { entry: URL; limits: DecoderLimits; maxCount: number }) {
    this.#entry = entry;
    this.#limits = limits;
    this.#maxCount = maxCount;
  }

  async decode(request: DecodeRequest, signal: AbortSignal | undefined): Promise<DecodedPage[]> {
    const decoder = await this.#take();
    try {
      return await decoder.decode(request, signal);
    } finally {
      this.#give(decoder);
    }
  }

  /** Lets one begin before there is anything to decode. */
  start(): void {
    if (this.#busy > 0) return;
    const decoder = this.#next();
    decoder.start();
    this.#idle.push(decoder);
  }

  close(): void {
    for (const decoder of this.#idle) decoder.close();
  }

  async #take(): Promise<DecoderProcess> {
    if (this.#busy >= this.#allowed()) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#busy++;
    return this.#next();
  }

  #give(decoder: DecoderProcess): void {
    const next = this.#waiting.shift();
    if (next) return next(decoder);
    this.#busy--;
    this.#idle.push(decoder);
  }

  /** The one used last is the likeliest to run still. */
  #next(): DecoderProcess {
    return this.#idle.pop() ?? new DecoderProcess({ entry: this.#entry, limits: this.#limits });
  }

  #allowed(): number {
    const byMemory = this.#busy + Math.floor(process.availableMemory() / this.#limits.maxBytes);
    return Math.max(1, Math.min(this.#maxCount, byMemory));
  }
}

let shared: DecoderPool | undefined;

/** Those that pictures are loaded with. They are started when they are needed, and end by themselves or with this process. */
export function sharedDecoders(): DecoderPool {
  return (shared ??= new DecoderPool({
    entry: new URL(`decoder-entry${extname(import.meta.url)}`, import.meta.url),
    limits: defaultLimits,
    maxCount: availableParallelism(),
  }));
}
