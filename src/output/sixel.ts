interface Pixels {
  width: number;
  height: number;
  /** [height, width, 3] */
  bytes: Uint8Array;
}

/** Steps of each channel: 216 colours, within the 256 that every sixel terminal has. */
const steps = 6;
/** Thresholds of ordered dithering, 4x4 (Bayer): hides the few steps. */
const thresholds = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5].map((value) => (value + 0.5) / 16 - 0.5);

/** A picture in DEC's sixels: bands of six lines, one pass over a band for each of its colours. Source: VT330/340 manual. */
export function sixel(pixels: Pixels): string {
  const { width, height } = pixels;
  const bands: string[] = [];
  for (let top = 0; top < height; top += 6) bands.push(band(pixels, top));
  return `\u001BP0;1q"1;1;${width};${height}${palette()}${bands.join('-')}\u001B\\`;
}

function palette(): string {
  const percent = (step: number): number => Math.round((step * 100) / (steps - 1));
  return Array.from({ length: steps ** 3 }, (_, colour) => {
    const levels = [Math.floor(colour / steps ** 2), Math.floor(colour / steps) % steps, colour % steps];
    return `#${colour};2;${levels.map(percent).join(';')}`;
  }).join('');
}

function band(pixels: Pixels, top: number): string {
  const { width, height } = pixels;
  const masks = new Map<number, Uint8Array>();
  for (let y = top; y < Math.min(top + 6, height); y++) {
    for (let x = 0; x < width; x++) {
      const colour = colourAt(pixels, x, y);
      let mask = masks.get(colour);
      if (!mask) masks.set(colour, (mask = new Uint8Array(width)));
      mask[x]! |= 1 << (y - top);
    }
  }
  return [...masks].map(([colour, mask]) => `#${colour}${runs(mask)}`).join('$');
}

function colourAt({ width, bytes }: Pixels, x: number, y: number): number {
  const at = (y * width + x) * 3;
  const threshold = thresholds[(y % 4) * 4 + (x % 4)]!;
  const level = (channel: number): number => {
    const value = Math.round((bytes[at + channel]! / 255) * (steps - 1) + threshold);
    return Math.min(Math.max(value, 0), steps - 1);
  };
  return (level(0) * steps + level(1)) * steps + level(2);
}

/** `!12~` is twelve times `~`. */
function runs(mask: Uint8Array): string {
  let text = '';
  for (let at = 0; at < mask.length;) {
    let end = at + 1;
    while (end < mask.length && mask[end] === mask[at]) end++;
    const sign = String.fromCharCode(63 + mask[at]!);
    text += end - at > 3 ? `!${end - at}${sign}` : sign.repeat(end - at);
    at = end;
  }
  return text;
}
