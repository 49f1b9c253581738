export interface FrameArea {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A frame of a GIF in which all is transparent; its area is transparent after it as well. Source: GIF89a specification. */
export function clearFrame({ left, top, width, height }: FrameArea): Buffer {
  const place = Buffer.alloc(8);
  for (const [index, value] of [left, top, width, height].entries()) place.writeUInt16LE(value, index * 2);
  return Buffer.concat([control, Buffer.from([0x2c]), place, twoColours, zeros(width * height)]);
}

/** Cleared when it is over; its transparent colour is number 0. */
const control = Buffer.from('21f9040900000000', 'hex');
const twoColours = Buffer.from('80000000000000', 'hex');
const depth = 2;
const clearCode = 4;
const endCode = 5;
const lastCode = 4095;
const blockLength = 255;

/** So many zeros as a decoder of a GIF takes them: each code stands for one more than the code before. */
function zeros(count: number): Buffer {
  const bits = bitWriter();
  let left = count;
  while (left > 0) {
    let width = depth + 1;
    bits.write(clearCode, width);
    for (let run = 1, next = endCode + 1; left > 0 && next <= lastCode; run++) {
      const length = Math.min(run, left);
      bits.write(length === 1 ? 0 : endCode + length - 1, width);
      left -= length;
      if (run > 1 && ++next === 2 ** width && width < 12) width += 1;
    }
    if (left <= 0) bits.write(endCode, width);
    else bits.write(clearCode, width);
  }
  return Buffer.concat([Buffer.from([depth]), ...inBlocks(bits.bytes()), Buffer.from([0])]);
}

function inBlocks(bytes: Uint8Array): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += blockLength) {
    const block = bytes.subarray(at, at + blockLength);
    blocks.push(Buffer.from([block.length]), block);
  }
  return blocks;
}

/** The lowest bit first. */
function bitWriter(): { write(value: number, width: number): void; bytes(): Uint8Array } {
  const bytes: number[] = [];
  let at = 0;
  return {
    write(value, width) {
      for (let bit = 0; bit < width; bit++, at++) {
        if ((at & 7) === 0) bytes.push(0);
        bytes[at >> 3]! |= ((value >> bit) & 1) << (at & 7);
      }
    },
    bytes: () => Uint8Array.from(bytes),
  };
}
