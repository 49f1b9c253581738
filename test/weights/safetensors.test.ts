import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { parseSafetensors, readSafetensors } from '../../src/weights/safetensors.ts';
import { type StoredTensor, putFile, safetensorsBytes, withFolder } from '../helpers/weights.ts';

const stored: StoredTensor[] = [
  { name: 'a.weight', dtype: 'BF16', shape: [2, 3], bytes: new Uint8Array(12) },
  { name: 'b', dtype: 'F32', shape: [], bytes: new Uint8Array(4) },
  { name: 'c', dtype: 'F16', shape: [4], bytes: new Uint8Array(8) },
];
const whole = safetensorsBytes(stored);

const parse = (header: string, dataBytes: number): unknown =>
  parseSafetensors(Buffer.from(header), { path: 'x.safetensors', fileByteLength: 8 + header.length + dataBytes });

function parseFile(bytes: Uint8Array): unknown {
  return withFolder((folder) => readSafetensors(putFile(folder, 'x.safetensors', bytes)));
}

test('tensors are found with type, shape and absolute place', async () => {
  await withFolder(async (folder) => {
    const tensors = await readSafetensors(putFile(folder, 'x.safetensors', whole));
    const data = whole.byteLength - 24;
    assert.deepEqual(
      [...tensors.values()].map(({ name, dtype, shape, offset, byteLength }) => [
        name,
        dtype,
        shape,
        offset,
        byteLength,
      ]),
      [
        ['a.weight', 'BF16', [2, 3], data, 12],
        ['b', 'F32', [], data + 12, 4],
        ['c', 'F16', [4], data + 16, 8],
      ],
    );
  });
});

const entry = (shape: string, offsets: string, dtype = 'F32'): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

const faults: readonly (readonly [what: string, header: string, dataBytes: number, message: RegExp])[] = [
  ['no JSON', '{"a":', 0, /x\.safetensors: not JSON/],
  ['no object', '[1]', 0, /found an array, expected an object/],
  ['a tensor that is no object', '{"a":3}', 0, /tensor a: found 3, expected an object/],
  ['a field twice', `{"a":${entry('[1]', '[0,4]').replace('{', '{"dtype":"BF16",')}}`, 4, /the key dtype stands twice/],
  ['a name twice', `{"a":${entry('[1]', '[0,4]')},"a":${entry('[1]', '[0,4]')}}`, 4, /tensor a stands twice/],
  [
    'a name twice in two spellings',
    `{"a":${entry('[1]', '[0,4]')},"\\u0061":${entry('[1]', '[0,4]')}}`,
    4,
    /tensor a stands twice/,
  ],
  ['deep nesting', `{"a":${'['.repeat(100_000)}`, 0, /nested too deep/],
  ['a hundred thousand tensors', `{${Array.from({ length: 300_000 }, (_, i) => `"${i}":{}`).join()}}`, 0, /over 65536/],
  ['an unknown dtype', `{"a":${entry('[1]', '[0,4]', 'F5')}}`, 4, /tensor a: its dtype is unknown/],
  ['a negative size', `{"a":${entry('[-1]', '[0,4]')}}`, 4, /tensor a: its shape is not a list/],
  ['a fractional size', `{"a":${entry('[1.5]', '[0,6]')}}`, 6, /tensor a: its shape is not a list/],
  ['a shape beyond all files', `{"a":${entry('[9007199254740991,9007199254740991]', '[0,4]')}}`, 4, /has 4 bytes/],
  ['offsets that run backwards', `{"a":${entry('[1]', '[4,0]')}}`, 4, /data_offsets are not a begin and an end/],
  ['bytes that do not fit the shape', `{"a":${entry('[2]', '[0,4]')}}`, 4, /has 4 bytes, expected 8 for F32 \[2\]/],
  ['a gap', `{"a":${entry('[1]', '[4,8]')}}`, 8, /tensor a: starts at byte \d+ and leaves a gap/],
  ['an overlap', `{"a":${entry('[2]', '[0,8]')},"b":${entry('[1]', '[4,8]')}}`, 8, /tensor b: .* overlaps/],
  ['bytes behind the last tensor', `{"a":${entry('[1]', '[0,4]')}}`, 5, /1 bytes after the last tensor/],
  ['a tensor past the end', `{"a":${entry('[1]', '[0,4]')}}`, 3, /tensor a: needs bytes up to \d+, but the file ends/],
];
for (const [what, header, dataBytes, message] of faults) {
  test(`a header with ${what} is refused`, () => {
    assert.throws(() => parse(header, dataBytes), { code: 'model', message });
  });
}

test('a header longer than the limit or the file is refused before it is read', async () => {
  const huge = Buffer.alloc(16);
  huge.writeBigUInt64LE(2n ** 62n);
  await assert.rejects(parseFile(huge) as Promise<unknown>, { code: 'model', message: /length of the header/ });
  huge.writeBigUInt64LE(1000n);
  await assert.rejects(parseFile(huge) as Promise<unknown>, { code: 'model', message: /inside its header/ });
});

test('a file cut at any byte is refused', async () => {
  await withFolder(async (folder) => {
    for (let length = 0; length < whole.byteLength; length++) {
      const path = putFile(folder, 'x.safetensors', whole.subarray(0, length));
      await assert.rejects(readSafetensors(path), PixtralError, `cut at ${length}`);
    }
  });
});

test('a header with any bytes changed parses or throws PixtralError', () => {
  const header = whole.subarray(8, whole.byteLength - 24);
  const place = fc.nat(header.byteLength - 1);
  const change = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(change, (changes) => {
      const bytes = header.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      try {
        parseSafetensors(bytes, { path: 'x', fileByteLength: whole.byteLength });
      } catch (thrown) {
        assert.ok(thrown instanceof PixtralError, String(thrown));
      }
    }),
    { numRuns: 20_000 },
  );
});

test('any JSON as a header parses or throws PixtralError', () => {
  fc.assert(
    fc.property(fc.json(), (header) => {
      try {
        parse(header, 0);
      } catch (thrown) {
        assert.ok(thrown instanceof PixtralError, String(thrown));
      }
    }),
    { numRuns: 2_000 },
  );
});
