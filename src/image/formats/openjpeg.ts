export interface Jpeg2000 {
  width: number;
  height: number;
  components: number;
  /** Bits of a sample that count. */
  bits: number;
  signed: boolean;
  /** [height, width, components] */
  values: Uint8Array | Uint16Array | Int16Array;
}

/** One of JPEG 2000's, with or without its boxes. @throws Error for what is no such picture or breaks off */
export async function decodeJpeg2000(bytes: Uint8Array): Promise<Jpeg2000> {
  const { default: load } = await import('@cornerstonejs/codec-openjpeg/decodewasmjs');
  const { J2KDecoder } = await load({ print: () => {}, printErr: () => {} });
  const decoder = new J2KDecoder();
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const { width, height, bitsPerSample: bits, componentCount: components, isSigned: signed } = decoder.getFrameInfo();
    const decoded = decoder.getDecodedBuffer().slice();
    const Type = bits <= 8 ? Uint8Array : signed ? Int16Array : Uint16Array;
    const values = new Type(decoded.buffer, 0, width * height * components);
    return { width, height, components, bits, signed, values };
  } finally {
    decoder.delete();
  }
}
