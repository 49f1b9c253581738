import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type SimdConverter, float8Targets, openSimdConverter } from '../../../src/convert/simd/converter.ts';
import { fromFloat8 } from '../../helpers/float8.ts';
import { typeId } from '../../../src/convert/types.ts';
import type { Native } from '../../../src/native/native.ts';
import { openNative } from '../../../src/native/open-native.ts';

const blocks = 8192;
const count = blocks * 32;
let native: Native;
let converter: SimdConverter;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
  converter = openSimdConverter({ slots: 4, threads: 2, readBytes: count * 2, targetBytes: count * 4 });
});
after(async () => {
  await converter.close();
  await native.close();
});

async function byGgml(halves: Uint16Array): Promise<Uint8Array> {
  const floats = new Float32Array(halves.length);
  const target = new Uint8Array((halves.length / 32) * 34);
  await native.ggml.bf16ToFp32Rows(halves, floats, halves.length);
  await native.ggml.quantizeChunk(typeId('q8_0'), floats, target, 0, halves.length / 32, 32, null);
  return target;
}

async function requireEqual(halves: Uint16Array, slot = 0): Promise<void> {
  const buffers = converter.buffers[slot]!;
  buffers.read.set(new Uint8Array(halves.buffer));
  buffers.target.fill(0x77);
  const peak = await converter.quantize(buffers, halves.byteLength);
  const expected = await byGgml(halves);
  const found = buffers.target.subarray(0, expected.byteLength);
  const at = expected.findIndex((byte, index) => byte !== found[index]);
  assert.equal(
    at,
    -1,
    `block ${Math.floor(at / 34)}: ${halves
      .subarray(Math.floor(at / 34) * 32)
      .slice(0, 32)
      .join()}`,
  );
  assert.equal(
    peak,
    halves.reduce((most, half) => Math.max(most, half & 0x7fff), 0),
  );
}

/** The same numbers every time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const asHalf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16;
const next = random(7);
const whole = (most: number): number => Math.floor(next() * most);
const kinds: Record<string, (index: number) => number> = {
  'weights as models have them': () => asHalf((next() + next() + next() - 1.5) * 0.1),
  'any bits below the limit of f16': () => whole(0x4780) | (whole(2) << 15),
  'denormal numbers, and scales that are': () => whole(0x0400) | (whole(2) << 15),
  'zeros of both signs, and few others': () => (whole(40) === 0 ? whole(0x4000) : whole(2) << 15),
  'ties: halves and next to them, where the scale is 1': (index) =>
    index % 32 === 0 ? asHalf(127) : asHalf((whole(255) - 127) / 2 + (whole(3) - 1) * 2 ** -whole(9)),
  'ties, where the scale is a power of two': (index) =>
    index % 32 === 0
      ? asHalf(127 * 2 ** -((index >> 5) % 20))
      : asHalf((whole(255) - 127) * 2 ** (-1 - ((index >> 5) % 20))),
  'every largest magnitude': (index) =>
    index % 32 === 0 ? (index >> 5) * 2 + whole(2) : whole(Math.max(1, (index >> 5) * 2)) | (whole(2) << 15),
};

for (const [kind, half] of Object.entries(kinds)) {
  test(`blocks are ggml's to the byte: ${kind}`, () =>
    requireEqual(Uint16Array.from({ length: count }, (_, at) => half(at))));
}

test('slices in several slots at once are each their own', async () => {
  const all = converter.buffers.map((_, slot) =>
    Uint16Array.from({ length: 32 * (1000 + slot) }, () => asHalf(next() - 0.5)),
  );
  await Promise.all(all.map((halves, slot) => requireEqual(halves, slot)));
});

test('the largest magnitude tells of infinity and NaN', async () => {
  const [buffers] = converter.buffers;
  for (const half of [0x7f80, 0xff80, 0x7fc0, 0xffff, 0x4780]) {
    const halves = Uint16Array.from({ length: 96 }, (_, at) => (at === 41 ? half : 0x3c00));
    buffers!.read.set(new Uint8Array(halves.buffer));
    assert.equal(await converter.quantize(buffers!, halves.byteLength), half & 0x7fff);
  }
});

const number8 = (byte: number): number => ((byte & 0x7f) === 0x7f ? byte - 1 : byte);
const kinds8: Record<string, (index: number) => number> = {
  'every number, in turn': (index) => number8(index & 0xff),
  'any numbers': () => number8(whole(256)),
  'every largest magnitude': (index) => number8(whole(1 + ((index >> 5) % 127)) | (whole(2) << 7)),
  'numbers without an exponent, and zeros of both signs': () => whole(8) | (whole(2) << 7),
};
const scales = [1, 1e-4, 0.013, 3.3e-3, 1.7e-38, 2 ** -140, 0, 1e30].map(Math.fround);

const bytesOf = { q8_0: 34 / 32, bf16: 2, f16: 2, f32: 4 };
for (const to of float8Targets) {
  for (const [kind, byteAt] of Object.entries(kinds8)) {
    test(`8 bits times a scale become the ${to} that ggml makes of the products: ${kind}`, async () => {
      const [buffers] = converter.buffers;
      const bytes = Uint8Array.from({ length: 64 * 1024 }, (_, at) => byteAt(at));
      for (const scale of scales) {
        const products = Float32Array.from(bytes, (byte) => fromFloat8(byte) * scale);
        if (to === 'f16' && scale > 100) continue; // refused, by the peak
        const expected = new Uint8Array(bytes.length * bytesOf[to]);
        await native.ggml.quantizeChunk(typeId(to), products, expected, 0, bytes.length / 32, 32, null);
        buffers!.read.set(bytes);
        buffers!.target.fill(0x77);
        const peak = await converter.scale(buffers!, { to, byteLength: bytes.length, scale });
        assert.ok(Buffer.from(buffers!.target.subarray(0, expected.length)).equals(expected), `scale ${scale}`);
        assert.equal(
          peak,
          bytes.reduce((most, byte) => Math.max(most, byte & 0x7f), 0),
        );
      }
    });
  }
}

test('a byte that is no number is the largest magnitude of all', async () => {
  const [buffers] = converter.buffers;
  for (const to of float8Targets) {
    buffers!.read.set(Uint8Array.from({ length: 96 }, (_, at) => (at === 50 ? 0xff : 0x7e)));
    assert.equal(await converter.scale(buffers!, { to, byteLength: 96, scale: 1 }), 0x7f);
  }
});
