import sharp from 'sharp';

/** Smooth shapes under the noise of a sensor, from a seed; 3 MB. */
export async function photo(): Promise<Uint8Array> {
  const [width, height] = [4000, 3000];
  const pixels = Buffer.alloc(width * height * 3);
  let state = 3;
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const shape = 120 + 60 * Math.sin(x / 210 + (at % 3)) + 40 * Math.cos(y / (90 + (x >> 9)));
    pixels[at] = shape + (state >>> 28);
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}
