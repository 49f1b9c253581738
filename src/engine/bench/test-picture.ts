import { crc32, deflateSync } from 'node:zlib';

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
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const body = deflateSync(raw, { level: 1 });
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', body), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(name: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.byteLength);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
