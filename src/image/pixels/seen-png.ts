import type { GridConfig } from './grid.ts';
import type { Kernel } from './kernel.ts';
import type { Patches } from './patches.ts';
import { packPng } from './write-png.ts';

/**
 * As encodePng of seenPixels, with vectors: in the kernel's memory, behind the patches that it holds.
 * @param patches as picturePatches has just given them; they are not to be used any more
 */
export async function seenPng(
  { grid, values }: Patches,
  { patchSize }: Pick<GridConfig, 'patchSize'>,
  kernel: Kernel,
): Promise<Uint8Array> {
  const { width, height } = grid;
  const [lineLength, byteLength] = [width * 3, width * height * 3];
  const patches = values.byteOffset;
  const seen = aligned(patches + values.byteLength);
  const differences = aligned(seen + byteLength + 16);
  const unchanged = aligned(differences + byteLength + 16);
  const memory = new Uint8Array(kernel.memory(unchanged + 16));
  const partLength = patchSize * 4;
  const channelLength = patchSize * partLength;
  for (let y = 0; y < height; y++) {
    const line = patches + Math.floor(y / patchSize) * patchSize * width * 12 + (y % patchSize) * partLength;
    const target = seen + y * lineLength;
    kernel.seen(line, target, target + lineLength, partLength, channelLength, channelLength * 3, patchSize * 3);
  }
  const end = seen + byteLength;
  memory.fill(0, end, end + 16); // what was there before would be counted
  memory.copyWithin(differences, seen, seen + lineLength);
  kernel.differences(seen + lineLength, end, seen, differences + lineLength, unchanged);
  return packPng(
    {
      width,
      height,
      differences: memory.subarray(differences, differences + byteLength),
      unchanged: new DataView(memory.buffer).getUint32(unchanged, true),
    },
    'fast',
  );
}

/** Vectors are of 16 bytes. */
function aligned(place: number): number {
  return Math.ceil(place / 16) * 16;
}
