import { constants, inflateSync } from 'node:zlib';

export interface Sought {
  /** A word of the pattern, which is looked for first: that is faster by far. */
  words: readonly string[];
  pattern: RegExp;
}

/** Of one stream: some hundred thousand objects. */
const maxOutputLength = 2 ** 25;
/** Of a whole file, so that looking does not take longer than drawing. */
const maxStreams = 2000;

/**
 * Which of the sought stand in a file's objects, as they are or packed into streams.
 * @returns undefined where only who decrypts it can tell
 */
export function soughtIn(file: Uint8Array, sought: readonly Sought[]): boolean[] | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const found = sought.map((one) => stands(one, bytes));
  let at = bytes.indexOf('/ObjStm');
  if (at >= 0 && bytes.includes('/Encrypt')) return undefined;
  for (let count = 0; at >= 0 && count < maxStreams && found.includes(false); count++) {
    const start = bytes.indexOf('stream', at) + 'stream'.length;
    if (start < at) break;
    const unpacked = inflated(bytes.subarray(start + (bytes[start] === 0x0d ? 2 : 1)));
    for (const [index, one] of sought.entries()) found[index] ||= unpacked !== undefined && stands(one, unpacked);
    at = bytes.indexOf('/ObjStm', start);
  }
  return found;
}

function stands({ words, pattern }: Sought, part: Buffer): boolean {
  return words.some((word) => holds(part, word)) && pattern.test(part.toString('latin1'));
}

/** V8 looks for seven bytes and fewer with `memchr`, several times as fast as for longer words. */
const quickLength = 7;

function holds(part: Buffer, word: string): boolean {
  return part.includes(word.slice(-quickLength)) && part.includes(word);
}

/** What follows the data does not matter; undefined for what is packed in another way. */
function inflated(data: Buffer): Buffer | undefined {
  try {
    return inflateSync(data, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength });
  } catch {
    return undefined;
  }
}
