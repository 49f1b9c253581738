import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { importanceOf, parseGgufImatrix, parseLegacyImatrix, readImatrix } from '../../src/convert/imatrix.ts';
import { ggufImatrix, legacyImatrix } from '../helpers/quantized.ts';
import { putFile, withFolder } from '../helpers/weights.ts';

const entries = [
  { name: 'blk.0.attn_q.weight', values: Float32Array.of(1, 2, 3, 4) },
  { name: 'token_embd.weight', values: Float32Array.of(5, 6) },
];

test('sums are divided by counts in GGUF, by calls in the legacy format', () => {
  const gguf = parseGgufImatrix(ggufImatrix(entries), 'x.gguf');
  assert.deepEqual(gguf.entries.get('blk.0.attn_q.weight'), Float32Array.of(1 / 128, 2 / 128, 3 / 128, 4 / 128));
  assert.deepEqual([gguf.dataset, gguf.chunks], ['calibration.txt', 3]);
  const legacy = parseLegacyImatrix(legacyImatrix(entries), 'x.dat');
  assert.deepEqual(
    legacy.entries.get('token_embd.weight'),
    Float32Array.of(5, 6).map((value) => value / 3),
  );
  assert.deepEqual([legacy.dataset, legacy.chunks], ['calibration.txt', 7]);
});

test('the format is told by content', async () => {
  await withFolder(async (folder) => {
    for (const bytes of [ggufImatrix(entries), legacyImatrix(entries)]) {
      const { sha256, entries: found } = await readImatrix(putFile(folder, 'imatrix', bytes));
      assert.match(sha256, /^[0-9a-f]{64}$/);
      assert.deepEqual([...found.keys()].sort(), ['blk.0.attn_q.weight', 'token_embd.weight']);
    }
    await assert.rejects(readImatrix(`${folder}/none`), { code: 'model', message: /no such file/ });
  });
});

test('rows of another width are refused, except for the embeddings, which are looked up', async () => {
  await withFolder(async (folder) => {
    const imatrix = await readImatrix(putFile(folder, 'imatrix', legacyImatrix(entries)));
    assert.equal(importanceOf(imatrix, { name: 'blk.0.attn_q.weight', shape: [8, 4] })?.length, 4);
    assert.equal(importanceOf(imatrix, { name: 'blk.1.attn_q.weight', shape: [8, 4] }), undefined);
    assert.equal(importanceOf(imatrix, { name: 'token_embd.weight', shape: [8, 4] }), undefined);
    assert.throws(() => importanceOf(imatrix, { name: 'blk.0.attn_q.weight', shape: [8, 5] }), {
      code: 'model',
      message: /imatrix: blk\.0\.attn_q\.weight: has 4 columns, expected 5/,
    });
  });
});

test('values that are no importance are refused', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
    const bytes = legacyImatrix([{ name: 'a.weight', values: Float32Array.of(1, bad) }]);
    assert.throws(() => parseLegacyImatrix(bytes, 'x.dat'), {
      code: 'model',
      message: /x\.dat: a\.weight: holds what/,
    });
  }
});

for (const [format, whole, parse] of [
  ['gguf', ggufImatrix(entries), parseGgufImatrix],
  ['dat', legacyImatrix(entries), parseLegacyImatrix],
] as const) {
  test(`a .${format} that is cut or has any byte changed is read or refused, never a crash`, () => {
    const survives = (bytes: Uint8Array): void => {
      try {
        parse(bytes, 'x');
      } catch (thrown) {
        assert.ok(thrown instanceof PixtralError, String(thrown));
      }
    };
    for (let length = 0; length < whole.byteLength; length++) survives(whole.slice(0, length));
    const index = fc.nat(whole.byteLength - 1);
    fc.assert(
      fc.property(fc.array(fc.tuple(index, fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = whole.slice();
        for (const [at, value] of changes) bytes[at] = value;
        survives(bytes);
      }),
      { numRuns: 2000 },
    );
  });
}
