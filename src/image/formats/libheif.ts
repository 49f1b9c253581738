import type Libheif from 'libheif-js/wasm-bundle.js';
import type { CodePoints } from '../colour/code-points.ts';
import type { Samples } from '../colour/to-srgb.ts';
import type { Size } from './opened.ts';

/** A decoded picture of a HEIC. */
export interface HeifPicture extends Size {
  samples: Samples;
  profile: Uint8Array | undefined;
  /** Of the file, or of the video stream in it. */
  colours: CodePoints | undefined;
  isPremultiplied: boolean;
}

/** `enum heif_colorspace`, `heif_chroma`, `heif_channel` of libheif's heif_image.h. */
const rgb = 1;
const rgba = 11;
const rgbaInTwoBytes = 15; // the lower one first
const interleaved = 10;
const asStored = 99;

export type HeifFile = ReturnType<typeof openHeif>;

/**
 * The pictures of a HEIC by libheif's own functions: the package's classes give 8 bits and say nothing of colours.
 * @throws Error libheif's, for what it cannot read
 */
export async function loadLibheif(): Promise<{ open(bytes: Uint8Array): HeifFile }> {
  const { default: libheif } = await import('libheif-js/wasm-bundle.js');
  return { open: (bytes) => openHeif(libheif, bytes) };
}

function openHeif(libheif: typeof Libheif, bytes: Uint8Array) {
  const memory = scratch(libheif);
  const context = libheif._heif_context_alloc();
  const close = (): void => {
    libheif._heif_context_free(context);
    libheif._free(memory.address);
  };
  try {
    const place = libheif._malloc(bytes.byteLength);
    libheif.HEAPU8.set(bytes, place);
    try {
      memory.checked((error) => libheif._heif_context_read_from_memory(error, context, place, bytes.byteLength, 0));
    } finally {
      libheif._free(place);
    }
  } catch (thrown) {
    close();
    throw thrown;
  }
  return {
    ids: () => topLevelIds(libheif, context),
    size(id: number): Size {
      return withHandle(libheif, { memory, context, id }, (handle) => ({
        width: libheif._heif_image_handle_get_width(handle),
        height: libheif._heif_image_handle_get_height(handle),
      }));
    },
    decode: (id: number): HeifPicture =>
      withHandle(libheif, { memory, context, id }, (handle) => decodeStill(libheif, memory, handle)),
    frames: () => openFrames(libheif, { memory, context }),
    close,
  };
}

type Scratch = ReturnType<typeof scratch>;

/** Room for an error of three words and for one result. */
function scratch(libheif: typeof Libheif) {
  const address = libheif._malloc(16);
  const word = (at: number): number =>
    new DataView(libheif.HEAPU8.buffer, libheif.HEAPU8.byteOffset).getUint32(at, true);
  return {
    address,
    result: address + 12,
    word,
    checked(call: (error: number) => void): void {
      call(address);
      if (word(address) !== 0) throw new Error(textAt(libheif, word(address + 8)));
    },
  };
}

function textAt({ HEAPU8 }: typeof Libheif, address: number): string {
  return Buffer.from(HEAPU8.subarray(address, HEAPU8.indexOf(0, address))).toString();
}

function topLevelIds(libheif: typeof Libheif, context: number): number[] {
  const count = libheif._heif_context_get_number_of_top_level_images(context);
  const place = libheif._malloc(Math.max(count, 1) * 4);
  const found = libheif._heif_context_get_list_of_top_level_image_IDs(context, place, count);
  const ids = [...new Uint32Array(libheif.HEAPU8.slice(place, place + found * 4).buffer)];
  libheif._free(place);
  return ids;
}

function withHandle<Result>(
  libheif: typeof Libheif,
  { memory, context, id }: { memory: Scratch; context: number; id: number },
  use: (handle: number) => Result,
): Result {
  memory.checked((error) => libheif._heif_context_get_image_handle(error, context, id, memory.result));
  const handle = memory.word(memory.result);
  try {
    return use(handle);
  } finally {
    libheif._heif_image_handle_release(handle);
  }
}

function decodeStill(libheif: typeof Libheif, memory: Scratch, handle: number): HeifPicture {
  const chroma = libheif._heif_image_handle_get_luma_bits_per_pixel(handle) > 8 ? rgbaInTwoBytes : rgba;
  memory.checked((error) => libheif._heif_decode_image(error, handle, memory.result, rgb, chroma, 0));
  const picture = readImage(libheif, memory, { image: memory.word(memory.result), chroma });
  const ownProfile = readProfile(libheif, libheif._heif_image_handle_get_raw_color_profile_size(handle), (bytes) =>
    memory.checked((error) => libheif._heif_image_handle_get_raw_color_profile(error, handle, bytes)),
  );
  const ownColours = readColours(libheif, memory, (error) =>
    libheif._heif_image_handle_get_nclx_color_profile(error, handle, memory.result),
  );
  const profile = ownProfile ?? picture.profile;
  return {
    ...picture,
    profile,
    colours: ownColours ?? (profile ? undefined : streamColours(libheif, memory, handle)),
    isPremultiplied: libheif._heif_image_handle_is_premultiplied_alpha(handle) !== 0,
  };
}

/** What the video stream says of its colours is lost on the way to red, green and blue: it is decoded once more. */
function streamColours(libheif: typeof Libheif, memory: Scratch, handle: number): CodePoints | undefined {
  memory.checked((error) => libheif._heif_decode_image(error, handle, memory.result, asStored, asStored, 0));
  const image = memory.word(memory.result);
  const colours = readColours(libheif, memory, (error) =>
    libheif._heif_image_get_nclx_color_profile(error, image, memory.result),
  );
  libheif._heif_image_release(image);
  return colours;
}

/** Copies it out of libheif's memory and gives that back. */
function readImage(
  libheif: typeof Libheif,
  memory: Scratch,
  { image, chroma }: { image: number; chroma: number },
): HeifPicture {
  try {
    const width = libheif._heif_image_get_width(image, interleaved);
    const height = libheif._heif_image_get_height(image, interleaved);
    const bits = libheif._heif_image_get_bits_per_pixel_range(image, interleaved);
    const plane = libheif._heif_image_get_plane_readonly2(image, interleaved, memory.result);
    if (plane === 0) throw new Error('no pixels were decoded');
    const stride = memory.word(memory.result);
    const lineLength = width * (chroma === rgba ? 4 : 8);
    const lines = new Uint8Array(lineLength * height);
    for (let line = 0; line < height; line++) {
      const start = plane + line * stride;
      lines.set(libheif.HEAPU8.subarray(start, start + lineLength), line * lineLength);
    }
    return {
      width,
      height,
      samples: { values: chroma === rgba ? lines : new Uint16Array(lines.buffer), maximum: 2 ** bits - 1 },
      profile: readProfile(libheif, libheif._heif_image_get_raw_color_profile_size(image), (bytes) =>
        memory.checked((error) => libheif._heif_image_get_raw_color_profile(error, image, bytes)),
      ),
      colours: readColours(libheif, memory, (error) =>
        libheif._heif_image_get_nclx_color_profile(error, image, memory.result),
      ),
      isPremultiplied: libheif._heif_image_is_premultiplied_alpha(image) !== 0,
    };
  } finally {
    libheif._heif_image_release(image);
  }
}

function readProfile(
  libheif: typeof Libheif,
  byteLength: number,
  read: (place: number) => void,
): Uint8Array | undefined {
  if (byteLength === 0) return undefined;
  const place = libheif._malloc(byteLength);
  try {
    read(place);
    return libheif.HEAPU8.slice(place, place + byteLength);
  } finally {
    libheif._free(place);
  }
}

/** `struct heif_color_profile_nclx`: a byte of version, then whole words. */
function readColours(libheif: typeof Libheif, memory: Scratch, read: (error: number) => void): CodePoints | undefined {
  read(memory.address);
  if (memory.word(memory.address) !== 0) return undefined; // it has none
  const profile = memory.word(memory.result);
  const colours = { primaries: memory.word(profile + 4), transfer: memory.word(profile + 8) };
  libheif._heif_nclx_color_profile_free(profile);
  return colours;
}

/** The frames of a film, from the first on. */
function openFrames(
  libheif: typeof Libheif,
  { memory, context }: { memory: Scratch; context: number },
): { next(): HeifPicture; close(): void } | undefined {
  if (libheif._heif_context_has_sequence(context) === 0) return undefined;
  const track = libheif._heif_context_get_track(context, 0); // the first with pictures
  if (track === 0) return undefined;
  return {
    next() {
      memory.checked((error) =>
        libheif._heif_track_decode_next_image(error, track, memory.result, rgb, rgbaInTwoBytes, 0),
      );
      return readImage(libheif, memory, { image: memory.word(memory.result), chroma: rgbaInTwoBytes });
    },
    close: () => libheif._heif_track_release(track),
  };
}
