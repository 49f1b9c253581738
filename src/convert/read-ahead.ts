import type { FileHandle } from 'node:fs/promises';
import { readExactly } from '../base/files.ts';

/** A stretch of a file. */
export interface Span {
  /** First byte. */
  start: number;
  /** After the last byte. */
  end: number;
}

export interface Reading<S extends Span> {
  file: FileHandle;
  /** For messages. */
  path: string;
  spans: readonly S[];
}

export interface Chunk<S extends Span> {
  /** Of use until the next chunk is asked for. */
  bytes: Uint8Array;
  span: S;
  /** Of its span. */
  isLast: boolean;
}

const chunkBytes = 4 * 1024 * 1024;

/**
 * The bytes of stretches that follow each other, each cut into chunks; while one is worked on, the next is read.
 * @throws PixtralError `model` when the file ends before
 */
export async function* readAhead<S extends Span>({ file, path, spans }: Reading<S>): AsyncGenerator<Chunk<S>, void> {
  const places = spans.flatMap(chunksOf);
  const longest = places.reduce((most, { length }) => Math.max(most, length), 0);
  const memory = [new Uint8Array(longest), new Uint8Array(longest)];
  const read = (index: number): Promise<Uint8Array> | undefined => {
    const place = places[index];
    if (!place) return undefined;
    const target = memory[index % 2]!.subarray(0, place.length);
    const reading = readExactly(file, { path, position: place.position, length: place.length, target });
    reading.catch(() => undefined); // it is awaited a turn later, or nobody wants it any more
    return reading;
  };
  let next = read(0);
  for (const [index, { span, position, length }] of places.entries()) {
    const bytes = (await next)!;
    next = read(index + 1);
    yield { bytes, span, isLast: position + length === span.end };
  }
}

function chunksOf<S extends Span>(span: S): { span: S; position: number; length: number }[] {
  return Array.from({ length: Math.ceil((span.end - span.start) / chunkBytes) }, (_, index) => {
    const position = span.start + index * chunkBytes;
    return { span, position, length: Math.min(chunkBytes, span.end - position) };
  });
}
