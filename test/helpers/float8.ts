/** The number of a byte (e4m3), by the definition: a sign, 4 bits of exponent, 3 of fraction. */
export function fromFloat8(byte: number): number {
  const [exponent, fraction] = [(byte >> 3) & 15, byte & 7];
  const magnitude = exponent === 0 ? fraction * 2 ** -9 : (1 + fraction / 8) * 2 ** (exponent - 7);
  return byte & 0x80 ? -magnitude : magnitude;
}
