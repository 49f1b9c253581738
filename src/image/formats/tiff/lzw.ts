const clear = 256;
const end = 257;
const maxBits = 12;

/** @returns as many bytes as there are, at most `length`. Source: TIFF 6.0, section 13 */
export function unpackLzw(packed: Uint8Array, length: number): Uint8Array {
  const old = packed[0] === 0 && (packed[1]! & 1) === 1; // before TIFF 5.0: the lowest bit first, and a code later
  const next = old ? lowestBitFirst(packed) : highestBitFirst(packed);
  const early = old ? 0 : 1;
  const unpacked = new Uint8Array(length);
  // A code's bytes are those of an earlier place in what is unpacked.
  const starts = new Uint32Array(2 ** maxBits + 1);
  const lengths = new Uint32Array(2 ** maxBits + 1);
  let at = 0;
  let bits = 9;
  let free = 258;
  let before: { start: number; length: number } | undefined;
  while (at < length) {
    const code = next(bits);
    if (code === undefined || code === end) break;
    if (code === clear) {
      bits = 9;
      free = 258;
      before = undefined;
      continue;
    }
    if (code >= free && !(code === free && before)) break; // noise
    const start = at;
    if (code < 256) {
      unpacked[at++] = code;
    } else {
      const from = code === free ? before!.start : starts[code]!;
      const count = code === free ? before!.length + 1 : lengths[code]!;
      for (let index = 0; index < count && at < length; index++) unpacked[at++] = unpacked[from + index]!;
    }
    if (before && free <= 2 ** maxBits) {
      starts[free] = before.start;
      lengths[free] = before.length + 1;
      free++;
    }
    if (free + early >= 2 ** bits && bits < maxBits) bits++;
    before = { start, length: at - start };
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
