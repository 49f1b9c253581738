import { availableParallelism } from 'node:os';
import { entryUrl } from '../../base/place.ts';
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

  /** The pages of one file are shared among the decoders that have nothing else to do. */
  async decode(request: DecodeRequest, signal: AbortSignal | undefined): Promise<DecodedPage[]> {
    const decoder = await this.#take();
    let shared: SharedPages | undefined;
    try {
      const decoded = await decoder.decode(request, signal, (pages) => {
        shared ??= this.#share(pages, { request, signal }); // once, also where it is begun once more
        return shared.own;
      });
      // What it had decoded beyond that, before it was told, comes from others.
      const pages = shared ? decoded.slice(0, shared.own * (request.crops?.length ?? 1)) : decoded;
      for (const other of shared?.others ?? []) pages.push(...(await other));
      return pages;
    } finally {
      shared?.ending.abort();
      this.#give(decoder);
    }
  }

  /** Only what is spare is used: nothing waits. */
  #share(
    pages: readonly number[],
    { request, signal }: { request: DecodeRequest; signal: AbortSignal | undefined },
  ): SharedPages {
    const ending = new AbortController();
    const [own = pages, ...parts] = partsOf(pages, 1 + this.#spare());
    const signals = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
    const others = parts.map((part) => this.#decodePart(part, { request, signal: signals }));
    for (const other of others) other.catch(() => {}); // the first that fails in the order of pages is told
    return { own: own.length, others, ending };
  }

  async #decodePart(
    pages: readonly number[],
    { request, signal }: { request: DecodeRequest; signal: AbortSignal },
  ): Promise<DecodedPage[]> {
    this.#busy++;
    const decoder = this.#next();
    try {
      const selection = { kind: 'pages', ranges: pages.map((page) => [page, page] as const) } as const;
      return await decoder.decode({ ...request, selection }, signal);
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
    if (this.#spare() === 0) return new Promise((resolve) => this.#waiting.push(resolve));
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

  /** Decoders that may be put to work now; there is always one. */
  #spare(): number {
    const byMemory = Math.floor(process.availableMemory() / this.#limits.maxBytes);
    return Math.max(this.#busy === 0 ? 1 : 0, Math.min(this.#maxCount - this.#busy, byMemory));
  }
}

interface SharedPages {
  /** How many of the first pages stay with the decoder that has opened the file. */
  own: number;
  others: Promise<DecodedPage[]>[];
  /** Whoever decodes the others need not go on after one has failed. */
  ending: AbortController;
}

/** For fewer it does not pay to hand a file to one more process. */
const fewestPages = 3;

/** Pages in as many parts as there are decoders, of nearly equal length. */
function partsOf(pages: readonly number[], decoders: number): readonly number[][] {
  const count = Math.max(1, Math.min(decoders, Math.floor(pages.length / fewestPages)));
  return Array.from({ length: count }, (_, part) =>
    pages.slice(Math.round((part * pages.length) / count), Math.round(((part + 1) * pages.length) / count)),
  );
}

let shared: DecoderPool | undefined;

/** Those that pictures are loaded with. They are started when they are needed, and end by themselves or with this process. */
export function sharedDecoders(): DecoderPool {
  return (shared ??= new DecoderPool({
    entry: entryUrl('image/decoder/decoder-entry'),
    limits: defaultLimits,
    maxCount: availableParallelism(),
  }));
}
