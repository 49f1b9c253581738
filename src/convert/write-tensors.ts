import type { FileHandle } from 'node:fs/promises';
import { writeFully } from '../base/files.ts';
import type { GgufLayout } from '../gguf/write.ts';
import { type Chunk, type PlannedTensor, chunksOf, sourceRange } from './plan.ts';
import { type RowCodec, type RowConverter, convertRows, targetByteLength } from './rows.ts';
import type { SourceFiles } from './source-files.ts';

/** Float32 bytes of a chunk. Bounds memory: about six of these at a time, whatever the model's size. */
const chunkBytes = 16 * 1024 * 1024;

export interface TensorWriting {
  tensors: readonly PlannedTensor[];
  layout: GgufLayout;
  source: SourceFiles;
  codec: RowCodec;
  threads: number;
  signal: AbortSignal | undefined;
  /** Called with each chunk written. */
  onChunk: (tensor: string, byteLength: number) => void;
}

/**
 * Writes the header and streams every tensor to its place: while a chunk is converted, the next is read and the last
 * is written. The signal is looked at before each chunk.
 */
export async function writeTensors(file: FileHandle, path: string, writing: TensorWriting): Promise<void> {
  const { layout, tensors, source, signal, onChunk } = writing;
  await writeFully(file, { path, position: 0, bytes: layout.header });
  const chunks = tensors.flatMap((tensor) => chunksOf(tensor, chunkBytes));
  const positions = positionsOf(chunks, layout);
  const { reads, targets, converter } = workingMemory(chunks, writing);

  let reading = readInto(source, chunks[0], reads(0));
  let lastWrite: Promise<void> = Promise.resolve();
  try {
    for (const [index, chunk] of chunks.entries()) {
      signal?.throwIfAborted();
      const bytes = await reading;
      reading = readInto(source, chunks[index + 1], reads(index + 1));
      const converted = await convertRows(chunk, { bytes, target: targets(index), converter });
      await lastWrite;
      lastWrite = writeFully(file, { path, position: positions[index] ?? 0, bytes: converted });
      onChunk(chunk.tensor.name, converted.byteLength);
    }
  } finally {
    // Buffers and files must outlive what is in flight, also when another step failed.
    await Promise.allSettled([reading, lastWrite]);
  }
  await lastWrite;
  await file.truncate(layout.byteLength); // the padding after the last tensor
}

const nothing = new Uint8Array(0);

function readInto(source: SourceFiles, chunk: Chunk | undefined, target: Uint8Array): Promise<Uint8Array> {
  const reading = chunk === undefined ? Promise.resolve(nothing) : source.read(chunk, target);
  reading.catch(() => undefined); // it is awaited one round later: not unhandled until then
  return reading;
}

/** Where each chunk goes in the file. */
function positionsOf(chunks: readonly Chunk[], layout: GgufLayout): number[] {
  const offsets = new Map(layout.tensors.map(({ name, offset }) => [name, offset]));
  return chunks.map((chunk) => {
    const before = targetByteLength({ ...chunk, rows: chunk.firstRow });
    return (offsets.get(chunk.tensor.name) ?? 0) + before;
  });
}

interface WorkingMemory {
  reads: (index: number) => Uint8Array;
  targets: (index: number) => Uint8Array;
  converter: RowConverter;
}

/**
 * Chunk `i` is written from its read buffer (if its type stays) while `i + 1` is converted and `i + 2` is read: three
 * read buffers. Converted ones live for two rounds.
 */
function workingMemory(chunks: readonly Chunk[], { codec, threads }: TensorWriting): WorkingMemory {
  const readBytes = Math.max(4, ...chunks.map((chunk) => sourceRange(chunk).length));
  const targetBytes = Math.max(4, readBytes, ...chunks.map(targetByteLength));
  const floatCount = Math.max(1, ...chunks.map(({ rows, perRow }) => rows * perRow));
  const readBuffers = Array.from({ length: 3 }, () => new Uint8Array(readBytes));
  const targetBuffers = Array.from({ length: 2 }, () => new Uint8Array(targetBytes));
  return {
    reads: (index) => readBuffers[index % 3] ?? nothing,
    targets: (index) => targetBuffers[index % 2] ?? nothing,
    converter: { codec, threads, floats: new Float32Array(floatCount) },
  };
}
