import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync, deflateSync } from 'node:zlib';
import { pngChunk } from '../../helpers/make-png.ts';
import { decodeFile } from '../../helpers/pictures.ts';
import { rgbOf } from '../../helpers/pixels.ts';

const [width, height] = [40, 30];

function png(kind: number, data: Buffer, { interlaced = false, before = [] as Buffer[] } = {}): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, kind, 0, 0, interlaced ? 1 : 0], 8);
  const parts = [pngChunk('IHDR', header), ...before, pngChunk('IDAT', data), pngChunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
}

/** Lines of some colour, none of it transparent. */
function lines(samples: number, count = height): Buffer {
  const line = Buffer.alloc(1 + width * samples, 200);
  line[0] = 0;
  for (let at = samples; at < line.length; at += samples) if (samples % 2 === 0) line[at] = 255;
  return Buffer.concat(Array<Buffer>(count).fill(line));
}

const palette = (colours: number): Buffer => pngChunk('PLTE', Buffer.alloc(colours * 3, 90));
const halfOfKey = pngChunk('tRNS', Buffer.from([0, 1]));
const broken = (samples: number): Buffer => {
  const data = deflateSync(lines(samples), { level: 0 });
  data.fill(0xff, data.length >> 1, (data.length >> 1) + 400); // filters that do not exist
  return data;
};

const refused: Record<string, () => Buffer> = {
  'colours without half of their lines': () => png(2, deflateSync(lines(3, height / 2))),
  'grey without half of its lines': () => png(0, deflateSync(lines(1, height / 2))),
  'colours and alpha without half of their lines': () => png(6, deflateSync(lines(4, height / 2))),
  'grey and alpha without half of their lines': () => png(4, deflateSync(lines(2, height / 2))),
  'grey and a transparent grey without half of its lines': () =>
    png(0, deflateSync(lines(1, height / 2)), { before: [halfOfKey] }),
  'a palette with alpha without half of its lines': () =>
    png(3, deflateSync(Buffer.alloc((1 + width) * 15)), { before: [palette(256), pngChunk('tRNS', Buffer.from([0]))] }),
  'interlaced colours without their last lines': () =>
    png(2, deflateSync(Buffer.alloc(width * height * 2)), { interlaced: true }),
  'colours and alpha with data that breaks': () => png(6, broken(4)),
  'colours with data that breaks': () => png(2, broken(3)),
  'a palette with fewer colours than are used': () => png(3, deflateSync(lines(1)), { before: [palette(200)] }),
  "Apple's form without half of its lines": () =>
    png(6, deflateRawSync(lines(4, height / 2)), { before: [pngChunk('CgBI', Buffer.alloc(4))] }),
  'numbered colours and alpha without half of their lines': () =>
    png(6, deflateSync(lines(4, height / 2)), { before: [pngChunk('cICP', Buffer.from([12, 13, 0, 1]))] }),
};
for (const [what, make] of Object.entries(refused)) {
  test(`a PNG of ${what} is refused as damaged`, async () => {
    await assert.rejects(decodeFile(make()), {
      code: 'input',
      message:
        /^file: the PNG (cannot be decoded: its data (breaks off|makes no sense)|has colours beyond its palette)$/,
    });
  });
}

test('a PNG of any kind with a wrong sum behind its data is shown as it is, as browsers show it', async () => {
  for (const [kind, samples] of [
    [0, 1],
    [2, 3],
    [4, 2],
    [6, 4],
  ] as const) {
    const data = deflateSync(lines(samples));
    const right = rgbOf(await decodeFile(png(kind, data)));
    data.writeUInt32BE(0, data.length - 4);
    assert.deepEqual(rgbOf(await decodeFile(png(kind, data))), right);
  }
});

test('a picture that is transparent below is shown', async () => {
  const clear = Buffer.concat([lines(4, height - 5), Buffer.alloc(5 * (1 + width * 4))]);
  const rgb = rgbOf(await decodeFile(png(6, deflateSync(clear))));
  assert.ok(rgb.subarray(-width * 3).every((value) => value === 255));
});

test('colours by a number that nobody has defined are shown as sRGB, and said', async () => {
  const before = [pngChunk('cICP', Buffer.from([77, 13, 0, 1]))];
  const { warnings } = await decodeFile(png(2, deflateSync(lines(3)), { before }));
  assert.deepEqual(warnings, [
    "its colours are stated by numbers that are not defined (primaries 77, transfer 13): they are taken for sRGB's",
  ]);
});

test('gamma and primaries count where no profile says it better, as LittleCMS converts them', async () => {
  const numbers = (...values: number[]): Buffer => {
    const content = Buffer.alloc(values.length * 4);
    for (const [at, value] of values.entries()) content.writeUInt32BE(Math.round(value * 100_000), at * 4);
    return content;
  };
  const gamma = (value: number): Buffer => pngChunk('gAMA', numbers(value));
  const primaries = (...values: number[]): Buffer => pngChunk('cHRM', numbers(0.3127, 0.329, ...values));
  const adobe = primaries(0.64, 0.33, 0.21, 0.71, 0.15, 0.06);
  const stored = [0, 0, 0, 64, 64, 64, 128, 128, 128, 200, 100, 50, 10, 220, 90, 255, 255, 255];
  const line = Buffer.alloc(1 + width * 3);
  line.set(stored, 1);
  const data = deflateSync(Buffer.concat(Array<Buffer>(height).fill(line)));
  const shown = async (...before: Buffer[]): Promise<number[]> =>
    [...rgbOf(await decodeFile(png(2, data, { before })))].slice(0, stored.length);
  const near = (found: number[], right: number[]): void => {
    for (const [at, value] of right.entries())
      assert.ok(Math.abs(found[at]! - value) <= 1, `${found.join(' ')} and ${right.join(' ')}`);
  };
  near(await shown(gamma(1)), [0, 0, 0, 137, 137, 137, 188, 188, 188, 229, 168, 122, 56, 239, 160, 255, 255, 255]);
  near(await shown(gamma(0.55556)), [0, 0, 0, 81, 81, 81, 146, 146, 146, 210, 119, 65, 10, 227, 109, 255, 255, 255]);
  near(await shown(adobe), [0, 0, 0, 64, 64, 64, 128, 128, 128, 226, 100, 46, 0, 220, 78, 255, 255, 255]);

  const usual = primaries(0.64, 0.33, 0.3, 0.6, 0.15, 0.06);
  for (const before of [
    [gamma(0.45455), usual],
    [gamma(0.46)],
    [pngChunk('sRGB', Buffer.from([0])), gamma(1), adobe],
    [pngChunk('cICP', Buffer.from([1, 13, 0, 1])), gamma(1), adobe],
    [gamma(0), primaries(0, 0, 0, 0, 0, 0)],
    [pngChunk('gAMA', Buffer.alloc(3)), pngChunk('cHRM', Buffer.alloc(31))],
  ]) {
    assert.deepEqual(await shown(...before), stored);
  }
});
