interface Pixels {
  width: number;
  height: number;
  /** [height, width, 3] */
  rgb: Uint8Array;
}

/**
 * Turns stored pixels upright by their EXIF orientation (1 to 8).
 * Source: Exif 2.32, 4.6.4.A: which side of the stored picture is the visual top and left.
 */
export function upright(stored: Pixels, orientation: number): Pixels {
  if (orientation === 1) return stored;
  const { width, height } = stored;
  const turned = orientation >= 5;
  const [outWidth, outHeight] = turned ? [height, width] : [width, height];
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  const rgb = new Uint8Array(stored.rgb.length);
  for (let y = 0, to = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++, to += 3) {
      const column = turned ? y : x;
      const row = turned ? x : y;
      const fromX = flipX ? width - 1 - column : column;
      const fromY = flipY ? height - 1 - row : row;
      const from = (fromY * width + fromX) * 3;
      rgb[to] = stored.rgb[from]!;
      rgb[to + 1] = stored.rgb[from + 1]!;
      rgb[to + 2] = stored.rgb[from + 2]!;
    }
  }
  return { width: outWidth, height: outHeight, rgb };
}
