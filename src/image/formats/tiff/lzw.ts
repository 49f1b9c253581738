const clear = 256;
const end = 257;
const maxBits = 12;
const mostCodes = 2 ** maxBits;

/** @returns as many bytes as there are, at most `length`. Source: TIFF 6.0, section 13 */
export function unpackLzw(packed: Uint8Array, length: number): Uint8Array {
  const old = packed[0] === 0 && (packed[1]! & 1) === 1; // before TIFF 5.0: the lowest bit first, and a code later
  const next = old ? lowestBitFirst(packed) : highestBitFirst(packed);
  const early = old ? 0 : 1;
  const unpacked = new Uint8Array(length);
  // A code's bytes are those of an earlier place in what is unpacked.
  const starts = new Uint32Array(mostCodes + 1);
  const lengths = new Uint32Array(mostCodes + 1);
  let at = 0;
  let bits = 9;
  let free = 258;
  /** Of the code before; a length of 0: there is none. */
  let lastStart = 0;
  let lastLength = 0;
  while (at < length) {
    const code = next(bits);
    if (code === undefined || code === end) break;
    if (code === clear) {
      bits = 9;
      free = 258;
      lastLength = 0;
      continue;
    }
    if (code >= free && !(code === free && lastLength > 0)) break; // noise
    const start = at;
    if (code < 256) {
      unpacked[at++] = code;
    } else {
      let from = code === free ? lastStart : starts[code]!;
      const count = code === free ? lastLength + 1 : lengths[code]!;
      const stop = Math.min(at + count, length);
      while (at < stop) unpacked[at++] = unpacked[from++]!;
    }
    if (lastLength > 0 && free <= mostCodes) {
      starts[free] = lastStart;
      lengths[free] = lastLength + 1;
      free++;
    }
    if (free + early >= 1 << bits && bits < maxBits) bits++;
    lastStart = start;
    lastLength = at - start;
  }
  return unpacked.subarray(0, at);
}

type NextCode = (bits: number) => number | undefined;

function highestBitFirst(packed: Uint8Array): NextCode {
  let at = 0;
  let held = 0;
  let count = 0;
  return (bits) => {
    while (count < bits) {
      if (at >= packed.length) return undefined;
      held = ((held << 8) | packed[at++]!) & 0xff_ff_ff;
      count += 8;
    }
    count -= bits;
    return (held >> count) & ((1 << bits) - 1);
  };
}

function lowestBitFirst(packed: Uint8Array): NextCode {
  let at = 0;
  let held = 0;
  let count = 0;
  return (bits) => {
    while (count < bits) {
      if (at >= packed.length) return undefined;
      held |= packed[at++]! << count;
      count += 8;
    }
    const code = held & ((1 << bits) - 1);
    held >>= bits;
    count -= bits;
    return code;
  };
}
