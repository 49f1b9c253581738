/** Numbers of a safetensors file as float32, exactly. */
export const floatsOf: Readonly<Record<string, (bytes: Uint8Array) => Float32Array>> = {
  F32: (bytes) => new Float32Array(copied(bytes)),
  BF16: (bytes) => new Float32Array(Uint32Array.from(words(bytes), (word) => word << 16).buffer),
  F16: (bytes) => Float32Array.from(words(bytes), fromHalf),
};

function words(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(copied(bytes));
}

/** By themselves: bytes of a pool stand anywhere in it, and `slice` of Node's Buffer copies nothing. */
function copied(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function fromHalf(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 0x1f;
  const fraction = word & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
