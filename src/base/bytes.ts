import { PixtralError } from './errors.ts';

/** Little-endian cursor over bytes in memory. Every read is checked; messages carry the offset. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly where: string;
  offset = 0;
  readonly #view: DataView;

  /** @param where names the file in error messages */
  constructor(bytes: Uint8Array, where: string) {
    this.bytes = bytes;
    this.where = where;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.byteLength - this.offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }
  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }
  i16(): number {
    return this.#view.getInt16(this.#advance(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }
  f32(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }
  i64(): bigint {
    return this.#view.getBigInt64(this.#advance(8), true);
  }

  /** An unsigned 64-bit count or length that must be at most `limit`. */
  count(what: string, limit: number): number {
    const at = this.offset;
    const value = this.u64();
    if (value > BigInt(limit)) {
      throw new PixtralError(
        'model',
        `${this.where}: ${what} is ${value} at byte ${at}, more than ${limit} cannot be right`,
      );
    }
    return Number(value);
  }

  /** A view, not a copy, of the next `length` bytes. */
  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  #advance(length: number): number {
    const start = this.offset;
    if (length > this.remaining) {
      throw new PixtralError(
        'model',
        `${this.where}: ends at byte ${this.bytes.byteLength}, expected ${length} more at byte ${start}`,
        { hint: 'the file is cut short: copy or download it again' },
      );
    }
    this.offset = start + length;
    return start;
  }
}
