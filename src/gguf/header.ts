import type { ByteReader } from '../base/bytes.ts';
import { PixtralError } from '../base/errors.ts';

/** Where the parser stands: the bytes in `reader` may be only the beginning of a file of `fileByteLength`. */
export interface Header {
  reader: ByteReader;
  path: string;
  fileByteLength: number;
}

/** Thrown, and caught by the parser, when the header goes on past the bytes read so far. */
export class MoreNeeded extends Error {}

/** Returns when `length` more bytes can be read now. */
export function need({ reader, path, fileByteLength }: Header, length: number, what: string): void {
  if (length <= reader.remaining) return;
  if (reader.offset + length > fileByteLength) {
    throw new PixtralError('model', `${path}: ends at byte ${fileByteLength}, inside ${what}`, {
      hint: 'the file is cut short: copy or download it again',
    });
  }
  throw new MoreNeeded();
}

/** A length-prefixed string of at most `limit` bytes. Bytes that are not UTF-8 become U+FFFD. */
export function readString(header: Header, what: string, limit: number): string {
  need(header, 8, what);
  const length = header.reader.count(`the length of ${what}`, limit);
  need(header, length, what);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(header.reader.take(length));
}
