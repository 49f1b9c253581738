/** A line of a file, without its end. */
export interface Line {
  bytes: Uint8Array;
  /** In bytes, from the start of the file. */
  offset: number;
  /** A newline stands behind it; only the last line may have none. */
  ended: boolean;
}

const newline = 0x0a;

/** Lines of a stream of bytes, one in memory at a time. Nothing is decoded: a character may be cut by a chunk's end. */
export async function* readLines(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Line, void> {
  let open: Uint8Array[] = [];
  let offset = 0;
  for await (const chunk of chunks) {
    let at = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, at)) {
      const bytes = joined([...open, chunk.subarray(at, end)]);
      yield { bytes, offset, ended: true };
      offset += bytes.byteLength + 1;
      open = [];
      at = end + 1;
    }
    if (at < chunk.byteLength) open.push(chunk.subarray(at));
  }
  if (open.length > 0) yield { bytes: joined(open), offset, ended: false };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
