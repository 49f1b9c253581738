declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  interface FrameInfo {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
  }
  interface J2KDecoder {
    getEncodedBuffer(length: number): Uint8Array;
    getDecodedBuffer(): Uint8Array;
    readHeader(): void;
    decode(): void;
    getFrameInfo(): FrameInfo;
    getColorSpace(): number;
    getTileSize(): { width: number; height: number };
    delete(): void;
  }
  const load: (options: { print: () => void; printErr: () => void }) => Promise<{ J2KDecoder: new () => J2KDecoder }>;
  export default load;
}
