import type { Crop } from '../pixels/crop.ts';
import type { Size } from './opened.ts';

export interface CleanAperture extends Size {
  /** How far its middle lies right of and below that of the whole. */
  right: number;
  down: number;
}

/** Quarter turns against the clock, or an exchange of sides. */
export type Turn = { kind: 'rotated'; quarters: number } | { kind: 'mirrored'; leftRight: boolean };

/**
 * Where the clean aperture lies in a picture that was turned after it should have been cropped.
 * Source: ISO/IEC 14496-12, 12.1.4; 23008-12, 6.5.10 and 6.5.12.
 */
export function turnedAperture(
  size: Size,
  { width, height, right, down }: CleanAperture,
  turns: readonly Turn[],
): Crop {
  const crop = {
    x: Math.round((size.width - width) / 2 + right),
    y: Math.round((size.height - height) / 2 + down),
    width: Math.round(width),
    height: Math.round(height),
  };
  let whole = size;
  let part = within(crop, size);
  for (const turn of turns) {
    if (turn.kind === 'mirrored') part = mirrored(part, whole, turn.leftRight);
    else for (let quarter = 0; quarter < turn.quarters; quarter++) [part, whole] = rotated(part, whole);
  }
  return part;
}

/** What lies outside is cut off. */
function within(crop: Crop, size: Size): Crop {
  const [x, y] = [Math.max(crop.x, 0), Math.max(crop.y, 0)];
  return {
    x,
    y,
    width: Math.max(0, Math.min(crop.x + crop.width, size.width) - x),
    height: Math.max(0, Math.min(crop.y + crop.height, size.height) - y),
  };
}

function mirrored(part: Crop, whole: Size, leftRight: boolean): Crop {
  return leftRight
    ? { ...part, x: whole.width - part.x - part.width }
    : { ...part, y: whole.height - part.y - part.height };
}

/** Against the clock: the right side becomes the top. */
function rotated(part: Crop, whole: Size): [Crop, Size] {
  return [
    { x: part.y, y: whole.width - part.x - part.width, width: part.height, height: part.width },
    { width: whole.height, height: whole.width },
  ];
}
