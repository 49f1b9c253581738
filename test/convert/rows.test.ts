import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { allBelow } from '../../src/convert/rows.ts';

/** The slow and obvious answer: widen each number, compare. */
const values = {
  F32: (bytes: Uint8Array) => [...new Float32Array(bytes.buffer)],
  BF16: (bytes: Uint8Array) =>
    [...new Uint16Array(bytes.buffer)].map((half) => new Float32Array(Uint32Array.of(half << 16).buffer)[0]!),
  F16: (bytes: Uint8Array) =>
    [...new Uint16Array(bytes.buffer)].map((half) => ((half & 0x7c00) === 0x7c00 ? Number.NaN : 1)),
};
/** The least that f16 rounds to infinity. */
const f16Limit = 65_520;

for (const dtype of ['F32', 'BF16', 'F16'] as const) {
  const size = dtype === 'F32' ? 4 : 2;
  const special = {
    F32: [0x7f800000, 0xff800001, 0x477ff000, 0xc77fefff],
    BF16: [0x7f80, 0xffc0, 0x4780, 0xc77f],
    F16: [0x7c00, 0xfe00, 0x7bff, 0xfbff],
  };
  const word = fc.oneof(fc.nat(size === 4 ? 0xffff_ffff : 0xffff), fc.constantFrom(...special[dtype]), fc.nat(0x4000));

  test(`a weight of ${dtype} beyond a limit is found, wherever it stands`, () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 11 }), (words) => {
        const bytes = new Uint8Array((size === 4 ? Uint32Array : Uint16Array).from(words).buffer);
        const numbers = values[dtype](bytes);
        assert.equal(allBelow(bytes, dtype, 'infinity'), numbers.every(Number.isFinite));
        assert.equal(
          allBelow(bytes, dtype, 'f16'),
          numbers.every((number) => Math.abs(number) < f16Limit),
        );
      }),
      { numRuns: 2000 },
    );
  });
}
