/** How a model divides pictures, in pixels. */
export interface GridConfig {
  patchSize: number;
  /** Longest side after shrinking. */
  maxImageSize: number;
  /** Patches per side that become one token. */
  spatialMergeSize: number;
}

export interface Grid {
  /** [IMG] tokens across and down. */
  columns: number;
  rows: number;
  /** Pixels that the picture is resized to: the grid times a token's side. */
  width: number;
  height: number;
}

/**
 * The token grid of a picture: shrunk so that its longer side is at most `maxImageSize`, never enlarged beyond the
 * next multiple of a token's side. A side that would vanish keeps one pixel.
 * Source: mistral-common 1.13.1, tokens/tokenizers/image.py, _image_to_num_tokens (1.11 failed there).
 */
export function imageGrid({ width, height }: { width: number; height: number }, config: GridConfig): Grid {
  const ratio = Math.max(height / config.maxImageSize, width / config.maxImageSize);
  const shrunk = (side: number) => (ratio > 1 ? Math.max(roundHalfEven(side / ratio), 1) : side);
  const side = config.patchSize * config.spatialMergeSize;
  const columns = Math.floor((shrunk(width) - 1) / side) + 1;
  const rows = Math.floor((shrunk(height) - 1) / side) + 1;
  return { columns, rows, width: columns * side, height: rows * side };
}

/** Python's round(): Math.round would turn 0.5 into 1 and a row of patches into two. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
