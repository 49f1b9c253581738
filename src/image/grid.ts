import { PixtralError } from '../base/errors.ts';

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
 * next multiple of a token's side.
 * Source: mistral-common, image.py, _image_to_num_tokens.
 * @throws PixtralError `input` when the shorter side would vanish
 */
export function imageGrid({ width, height }: { width: number; height: number }, config: GridConfig): Grid {
  const ratio = Math.max(height / config.maxImageSize, width / config.maxImageSize);
  const [seenWidth, seenHeight] =
    ratio > 1 ? [roundHalfEven(width / ratio), roundHalfEven(height / ratio)] : [width, height];
  if (seenWidth < 1 || seenHeight < 1) {
    throw new PixtralError(
      'input',
      `picture: ${width}x${height} is too narrow, shrunk to ${config.maxImageSize} its shorter side vanishes`,
      {
        hint: 'crop it to a ratio of sides below 2000:1',
      },
    );
  }
  const side = config.patchSize * config.spatialMergeSize;
  const columns = Math.floor((seenWidth - 1) / side) + 1;
  const rows = Math.floor((seenHeight - 1) / side) + 1;
  return { columns, rows, width: columns * side, height: rows * side };
}

/** Python's round(): Math.round would turn 0.5 into 1 and a row of patches into two. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
