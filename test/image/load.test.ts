import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { PixtralError } from '../../src/base/errors.ts';
import { type Picture, loadPicture } from '../../src/image/load.ts';
import { imagePath, pixelsGolden, rgbOf } from '../helpers/pixels.ts';

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-image-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

const bytesOf = (name: string): Promise<Buffer> => readFile(imagePath(name));
const fromBytes = (bytes: Uint8Array): Promise<Picture> => loadPicture('-', { stdin: async () => bytes });

for (const [name, expected] of Object.entries(pixelsGolden().files)) {
  test(`${name} has the pixels that Pillow puts on white, whatever its name`, async () => {
    const path = join(scratch, `${name}.txt`);
    await writeFile(path, await bytesOf(name));
    const picture = await loadPicture(path, {});
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

function assertCorners(picture: Picture): void {
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
      assertCorners(await loadPicture(imagePath(`orientation-${orientation}.${kind}`), {}));
    });
  }
}

test('AVIF can be read', async () => {
  assertCorners(await loadPicture(imagePath('corners.avif'), {}));
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

async function orRefused(loading: Promise<Picture>): Promise<Uint8Array | undefined> {
  try {
    return rgbOf(await loading);
  } catch (thrown) {
    assert.ok(thrown instanceof PixtralError, String(thrown));
    assert.equal(thrown.code, 'input');
    return undefined;
  }
}

/** A PNG header that claims a size, and nothing behind it that could fill it. */
function claim(width: number, height: number): Buffer {
  const chunk = (type: string, content: Buffer): Buffer => {
    const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
    const frame = Buffer.alloc(named.length + 8);
    frame.writeUInt32BE(content.length, 0);
    named.copy(frame, 4);
    frame.writeUInt32BE(crc32(named), named.length + 4);
    return frame;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const parts = [chunk('IHDR', header), chunk('IDAT', Buffer.alloc(20)), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
}

const refusals: Record<string, { bytes: () => Uint8Array; says: RegExp }> = {
  'a text': { bytes: () => Buffer.from('no picture at all'), says: /stdin: is a text file, expected a picture/ },
  nothing: { bytes: () => Buffer.alloc(0), says: /stdin: is empty/ },
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

test('a data: URI is read, base64 and percent-encoded, and named shortly', async () => {
  const bytes = await bytesOf('pixel.png');
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  for (const uri of [`data:image/png;base64,${bytes.toString('base64')}`, `data:image/png,${percent}`]) {
    const picture = await loadPicture(uri, {});
    assert.deepEqual([...rgbOf(picture)], [12, 34, 56]);
    assert.ok(picture.source.length <= 48);
  }
  await assert.rejects(loadPicture('data:image/png;base64,!!', {}), { code: 'input', message: /not base64/ });
  await assert.rejects(loadPicture('data:image/png', {}), { code: 'input', message: /no comma/ });
});

test('a URL is fetched, redirects followed; what the server refuses is said', async (t) => {
  const bytes = await bytesOf('pixel.png');
  const server = createServer((request, response) => {
    if (request.url === '/pixel') response.end(bytes);
    else if (request.url === '/moved') response.writeHead(302, { location: '/pixel' }).end();
    else response.writeHead(404).end('nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(() => server.close());
  for (const path of ['/pixel', '/moved']) {
    assert.deepEqual([...rgbOf(await loadPicture(base + path, {}))], [12, 34, 56]);
  }
  await assert.rejects(loadPicture(`${base}/none`, {}), { code: 'input', message: /the server answered 404/ });
});

test('a server that is not there is a problem of the machine', async () => {
  await assert.rejects(loadPicture('http://127.0.0.1:9/x.png', {}), { code: 'machine', message: /cannot be fetched/ });
});

test('a missing file and a folder are refused by name', async () => {
  await assert.rejects(loadPicture(join(scratch, 'none.png'), {}), {
    code: 'input',
    message: /none\.png: no such file/,
  });
  await assert.rejects(loadPicture(scratch, {}), { code: 'input', message: /is a folder/ });
});
