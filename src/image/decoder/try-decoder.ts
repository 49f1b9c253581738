import { sharedDecoders } from './decoder-pool.ts';

/** One black pixel, a GIF: Skia and libvips are both loaded for it. */
const onePixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');

/**
 * Whether pictures can be read on this machine.
 * @throws PixtralError `machine` when a library does not load or a decoder cannot be started
 */
export async function tryDecoder(signal: AbortSignal): Promise<void> {
  const image = { maxImageSize: 16, patchSize: 16, spatialMergeSize: 1 };
  await sharedDecoders().decode(
    { name: 'a picture', bytes: onePixel, image, selection: undefined, crops: undefined, maxPages: 1 },
    signal,
  );
}
