import { notLoaded } from '../../base/not-loaded.ts';

/** A drawing of our own as PNG; never for one that came from outside. */
export async function drawSvg(svg: string): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp').catch(notLoaded('libvips, which draws pictures'));
  return sharp(Buffer.from(svg)).png().toBuffer();
}
