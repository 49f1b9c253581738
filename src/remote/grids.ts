import type { GridConfig } from '../image/pixels/grid.ts';

/** How a model at a server divides pictures, as far as its name tells. */
export interface KnownGrid {
  image: GridConfig;
  /** Whether it is this model's own, so that the server's count of tokens can be judged by it. */
  isKnown: boolean;
}

/** A folder's name, or the file that llama-server has of it: `pixtral convert` and the cache name folders so. */
const demo = /(^|[\\/])demo(-[0-9a-f]{16})?([\\/]model\.gguf)?$/i;
const pixtral: GridConfig = { patchSize: 16, maxImageSize: 1024, spatialMergeSize: 1 };

/** Sources: params.json and config.json of the models. */
const grids: readonly { name: RegExp; image: GridConfig }[] = [
  { name: /pixtral/i, image: pixtral },
  { name: demo, image: { ...pixtral, maxImageSize: 256 } },
  {
    name: /(mistral-small-3\.[12]|mistral-small-(2503|2506)|mistral-medium-(2505|2508)|magistral-small-(2507|2509))/i,
    image: { patchSize: 14, maxImageSize: 1540, spatialMergeSize: 2 },
  },
  {
    name: /ministral-3-|ministral-(3b|8b|14b)-2512/i,
    image: { patchSize: 14, maxImageSize: 1540, spatialMergeSize: 2 },
  },
];

/** The demonstration model, by its name or its folder's. */
export function isDemo(model: string): boolean {
  return demo.test(model);
}

/** Pixtral's where the name says nothing. */
export function gridOf(model: string): KnownGrid {
  const found = grids.find(({ name }) => name.test(model));
  return { image: found?.image ?? pixtral, isKnown: found !== undefined };
}
