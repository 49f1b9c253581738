/**
 * Conversions between float32 and the 16-bit formats, for test oracles and single rows.
 * Bulk conversion goes through ggml's own row functions.
 */
const scratch = new DataView(new ArrayBuffer(4));

/** bfloat16 bits -> number. */
export function fromBf16(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}
