import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { PixtralError } from '../../src/base/errors.ts';
import type { Pixels } from '../../src/image/patches.ts';
import { makePng } from '../helpers/make-png.ts';
import { decodeFile } from '../helpers/pictures.ts';
import { imagePath, pixelsGolden, rgbOf } from '../helpers/pixels.ts';

const bytesOf = (name: string): Promise<Buffer> => readFile(imagePath(name));
const fromBytes = (bytes: Uint8Array): Promise<Pixels> => decodeFile(bytes);

for (const [name, expected] of Object.entries(pixelsGolden().files)) {
  test(`${name} has the pixels that Pillow puts on white`, async () => {
    const picture = await decodeFile(await bytesOf(name));
    const { width, height } = picture;
    const sha256 = createHash('sha256').update(rgbOf(picture)).digest('hex');
    assert.deepEqual({ width, height, sha256 }, expected);
  });
}

const quarters = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
];

function assertCorners(picture: Pixels): void {
  assert.deepEqual([picture.width, picture.height], [64, 32]);
  const rgb = rgbOf(picture);
  const places = [
    [8, 8],
    [56, 8],
    [8, 24],
    [56, 24],
  ] as const;
  for (const [quarter, [x, y]] of places.entries()) {
    const pixel = rgb.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3);
    pixel.forEach((value, channel) => {
      const expected = quarters[quarter]![channel]!;
      assert.ok(Math.abs(value - expected) <= 8, `quarter ${quarter}: ${[...pixel].join()}`);
    });
  }
}

for (const kind of ['jpg', 'png', 'webp']) {
  for (let orientation = 1; orientation <= 8; orientation++) {
    test(`a ${kind} with EXIF orientation ${orientation} stands upright`, async () => {
      assertCorners(await decodeFile(await bytesOf(`orientation-${orientation}.${kind}`)));
    });
  }
}

test('AVIF can be read', async () => {
  assertCorners(await decodeFile(await bytesOf('corners.avif')));
});

const kinds = ['rgba.png', 'orientation-6.jpg', 'rgba.webp', 'palette.gif', 'corners.avif', 'rgb.bmp'];

for (const name of kinds) {
  test(`${name} cut at any byte is refused or whole`, async () => {
    const bytes = await bytesOf(name);
    const whole = rgbOf(await fromBytes(bytes));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (length) => {
        const rgb = await orRefused(fromBytes(bytes.subarray(0, length)));
        if (rgb) assert.deepEqual(rgb, whole);
      }),
      { numRuns: 40 },
    );
  });

  test(`${name} with bytes changed is a picture or refused`, async () => {
    const bytes = await bytesOf(name);
    const change = fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = Buffer.from(bytes);
        for (const { at, value } of changes) changed[at] = value;
        await orRefused(fromBytes(changed));
      }),
      { numRuns: 40 },
    );
  });
}

async function orRefused(loading: Promise<Pixels>): Promise<Uint8Array | undefined> {
  try {
    return rgbOf(await loading);
  } catch (thrown) {
    assert.ok(thrown instanceof PixtralError, String(thrown));
    assert.equal(thrown.code, 'input');
    return undefined;
  }
}

const claim = (width: number, height: number): Buffer => makePng({ width, height, bits: 8 }, Buffer.alloc(20));

const refusals: Record<string, { bytes: () => Uint8Array; says: RegExp }> = {
  'a text': { bytes: () => Buffer.from('no picture at all'), says: /file: is a text file, expected a picture/ },
  nothing: { bytes: () => Buffer.alloc(0), says: /file: is empty/ },
  'a PDF': { bytes: () => Buffer.from('%PDF-1.7\n\x00'), says: /is a PDF/ },
  'a HEIC picture': { bytes: () => Buffer.from('\0\0\0\x18ftypheic\0\0\0\0'), says: /is a HEIC picture/ },
  'a claim of 50000x50000': { bytes: () => claim(50_000, 50_000), says: /50000x50000, expected at most/ },
  'a claim of 0x5': { bytes: () => claim(0, 5), says: /0x5, expected at least one pixel/ },
  'a claim of 20000x1': { bytes: () => claim(20_000, 1), says: /20000x1 is too narrow/ },
};
for (const [what, { bytes, says }] of Object.entries(refusals)) {
  test(`${what} is refused as input`, async () => {
    await assert.rejects(fromBytes(bytes()), { code: 'input', message: says });
  });
}
