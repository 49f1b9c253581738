import { ascii, viewOf } from './opened.ts';

/** A part of an ISO base media file: HEIC, AVIF, films. */
export interface Box {
  type: string;
  /** Of its content. */
  start: number;
  /** May lie beyond the file. */
  end: number;
}

/** The four letters after `ftyp`, and those of the other kinds that the file may be read as. */
export function brandsOf(bytes: Uint8Array): string {
  return ascii(bytes, 4, 4) === 'ftyp' && bytes.byteLength >= 12
    ? ascii(bytes, 8, Math.min(viewOf(bytes).getUint32(0), 72) - 8)
    : '';
}

/** The boxes that follow one another from `start` on. Source: ISO/IEC 14496-12, 4.2. */
export function boxesIn(bytes: Uint8Array, start: number, end: number): Box[] {
  const view = viewOf(bytes);
  const boxes: Box[] = [];
  const last = Math.min(end, bytes.byteLength);
  for (let at = start; at + 8 <= last;) {
    const short = view.getUint32(at);
    const isLong = short === 1 && at + 16 <= last;
    const header = isLong ? 16 : 8;
    const length = isLong ? Number(view.getBigUint64(at + 8)) : short || end - at; // 0: up to the end
    if (length < header) break;
    boxes.push({ type: ascii(bytes, at + 4, 4), start: at + header, end: at + length });
    at += length;
  }
  return boxes;
}

/** The first box at the end of a path of names: `moov`, `trak`. */
export function boxAt(bytes: Uint8Array, within: { start: number; end: number }, ...path: string[]): Box | undefined {
  const [type, ...rest] = path;
  const box = boxesIn(bytes, within.start, within.end).find((candidate) => candidate.type === type);
  return box && rest.length > 0 ? boxAt(bytes, box, ...rest) : box;
}

/** Reads numbers one after the other. @throws RangeError at the end of the bytes */
export class BoxReader {
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array, { start, end }: { start: number; end: number }) {
    this.#view = viewOf(bytes.subarray(start, end));
    this.#at = 0;
  }

  /** A big-endian number of 0, 1, 2, 4 or 8 bytes. */
  number(byteLength: number): number {
    let value = 0;
    for (let read = 0; read < byteLength; read++) value = value * 256 + this.#view.getUint8(this.#at++);
    return value;
  }

  /** The version and the flags that many boxes begin with. */
  versionAndFlags(): { version: number; flags: number } {
    return { version: this.number(1), flags: this.number(3) };
  }

  name(): string {
    return String.fromCharCode(this.number(1), this.number(1), this.number(1), this.number(1));
  }

  get left(): number {
    return this.#view.byteLength - this.#at;
  }
}
