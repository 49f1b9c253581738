/** The part of it that libheif.ts uses; the package's own types are not found beside this entry. Addresses are numbers. */
declare module 'libheif-js/wasm-bundle.js' {
  /** Functions that return a `heif_error` are given an address for it first. */
  const libheif: {
    HEAPU8: Uint8Array;
    _malloc(byteLength: number): number;
    _free(address: number): void;
    _heif_context_alloc(): number;
    _heif_context_free(context: number): void;
    _heif_context_read_from_memory(
      error: number,
      context: number,
      bytes: number,
      byteLength: number,
      options: number,
    ): void;
    _heif_context_get_number_of_top_level_images(context: number): number;
    _heif_context_get_list_of_top_level_image_IDs(context: number, ids: number, count: number): number;
    _heif_context_get_image_handle(error: number, context: number, id: number, handle: number): void;
    _heif_image_handle_release(handle: number): void;
    _heif_image_handle_get_width(handle: number): number;
    _heif_image_handle_get_height(handle: number): number;
    _heif_image_handle_get_luma_bits_per_pixel(handle: number): number;
    _heif_image_handle_is_premultiplied_alpha(handle: number): number;
    _heif_image_handle_get_raw_color_profile_size(handle: number): number;
    _heif_image_handle_get_raw_color_profile(error: number, handle: number, bytes: number): void;
    _heif_image_get_raw_color_profile_size(image: number): number;
    _heif_image_get_raw_color_profile(error: number, image: number, bytes: number): void;
    _heif_image_handle_get_nclx_color_profile(error: number, handle: number, profile: number): void;
    _heif_image_get_nclx_color_profile(error: number, image: number, profile: number): void;
    _heif_nclx_color_profile_free(profile: number): void;
    _heif_decode_image(
      error: number,
      handle: number,
      image: number,
      colorspace: number,
      chroma: number,
      options: number,
    ): void;
    _heif_image_release(image: number): void;
    _heif_image_get_width(image: number, channel: number): number;
    _heif_image_get_height(image: number, channel: number): number;
    _heif_image_get_bits_per_pixel_range(image: number, channel: number): number;
    _heif_image_get_plane_readonly2(image: number, channel: number, stride: number): number;
    _heif_image_is_premultiplied_alpha(image: number): number;
    _heif_context_has_sequence(context: number): number;
    _heif_context_get_track(context: number, id: number): number;
    _heif_track_release(track: number): void;
    _heif_track_decode_next_image(
      error: number,
      track: number,
      image: number,
      colorspace: number,
      chroma: number,
      options: number,
    ): void;
  };
  export default libheif;
}
