/** The part of it that heic.ts uses; the package has no types for it. */
declare module 'libheif-js/wasm-bundle.js' {
  interface HeifImage {
    handle: object;
    get_width(): number;
    get_height(): number;
    free(): void;
  }
  interface HeifDecoder {
    /** Empty when the file cannot be read; it only prints the reason. */
    decode(bytes: Uint8Array): HeifImage[];
    /** The file's context, of the last call. */
    decoder: object | null;
  }
  type Decoded =
    | { code: object; message: string }
    | {
        code?: undefined;
        image: object;
        channels: { width: number; height: number; stride: number; data: Uint8Array }[];
      };
  const libheif: {
    HeifDecoder: new () => HeifDecoder;
    heif_context_free(context: object): void;
    heif_image_release(image: object): void;
    heif_js_decode_image2(handle: object, colorspace: object, chroma: object): Promise<Decoded> | Decoded;
    heif_colorspace: { heif_colorspace_RGB: object };
    heif_chroma: { heif_chroma_interleaved_RGBA: object };
  };
  export default libheif;
}
