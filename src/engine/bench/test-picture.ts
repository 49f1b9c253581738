import { deflateSync } from 'node:zlib';
import { chunkBytes, pngSignature } from '../../image/formats/png.ts';

/** A PNG of a drawing with some noise in it, which a photograph has too: the same bytes every time. */
export function testPicture({ width, height }: { width: number; height: number }): Uint8Array {
  const stride = 1 + width * 3;
  const raw = Buffer.alloc(stride * height); // each row begins with its filter: none
  let state = 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width * 3; x++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      raw[y * stride + 1 + x] = (((x >> 5) ^ (y >> 5)) * 16 + (state >>> 28)) & 255;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  const body = deflateSync(raw, { level: 1 });
  return Buffer.concat([
    pngSignature,
    chunkBytes('IHDR', header),
    chunkBytes('IDAT', body),
    chunkBytes('IEND', Buffer.alloc(0)),
  ]);
}
