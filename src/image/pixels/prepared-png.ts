import type { Grid, GridConfig } from './grid.ts';
import { seenPixels } from './seen.ts';
import { encodePng } from './write-png.ts';

/**
 * A prepared picture for an engine elsewhere, as the data URI of a PNG: upright, on white, in sRGB and of exactly the
 * grid's size, so that the engine's own resize has nothing to do.
 * @param picture patches as picturePatches gives them
 */
export async function preparedPng(
  picture: { grid: Grid; patches: Float32Array },
  config: Pick<GridConfig, 'patchSize'>,
): Promise<string> {
  const png = await encodePng(seenPixels(picture, config), 'small');
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
