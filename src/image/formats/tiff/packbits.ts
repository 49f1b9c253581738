/** @returns as many bytes as there are, at most `length`. Source: TIFF 6.0, section 9 */
export function unpackBits(packed: Uint8Array, length: number): Uint8Array {
  const unpacked = new Uint8Array(length);
  let at = 0;
  for (let from = 0; from < packed.length && at < length;) {
    const head = packed[from++]!;
    if (head < 128) {
      const run = packed.subarray(from, from + Math.min(head + 1, length - at));
      unpacked.set(run, at);
      at += run.length;
      from += head + 1;
    } else if (head > 128) {
      if (from >= packed.length) break;
      const count = Math.min(257 - head, length - at);
      unpacked.fill(packed[from++]!, at, at + count);
      at += count;
    }
  }
  return unpacked.subarray(0, at);
}
