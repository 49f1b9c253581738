import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { bool, f32, rawArray, text, u32 } from '../../src/gguf/build.ts';
import { parseGguf } from '../../src/gguf/parse.ts';
import { readGguf } from '../../src/gguf/read.ts';
import type { Gguf, GgufValue } from '../../src/gguf/types.ts';
import { numberArray, optionalNumber, requireNumber, stringArray } from '../../src/gguf/values.ts';
import { layoutGguf } from '../../src/gguf/write.ts';
import { stringsValue } from '../../src/convert/metadata.ts';
import { putFile, withFolder } from '../helpers/weights.ts';

const metadata = new Map<string, GgufValue>([
  ['general.architecture', text('llama')],
  ['a.u32', u32(4_294_967_295)],
  ['a.i8', { type: 'i8', value: -128 }],
  ['a.u16', { type: 'u16', value: 65_535 }],
  ['a.i64', { type: 'i64', value: -(2n ** 63n) }],
  ['a.u64', { type: 'u64', value: 2n ** 64n - 1n }],
  ['a.f32', f32(0.5)],
  ['a.f64', { type: 'f64', value: Math.PI }],
  ['a.bool', bool(true)],
  ['a.numbers', rawArray('i32', 3, new Uint8Array(Int32Array.of(1, -2, 3).buffer))],
  ['a.strings', stringsValue(['', 'Ġa', '日本語', 'x'.repeat(1000)])],
]);
const specs = [
  { name: 'token_embd.weight', type: 1, dims: [64, 3] },
  { name: 'output_norm.weight', type: 0, dims: [5] },
  { name: 'blk.0.attn_q.weight', type: 8, dims: [64, 2] },
];

/** A whole small file in memory; the tensors' bytes are zeros. */
function smallFile(): Uint8Array {
  const layout = layoutGguf(metadata, specs);
  const bytes = new Uint8Array(layout.byteLength);
  bytes.set(layout.header);
  return bytes;
}

const parseWhole = (bytes: Uint8Array): Gguf | undefined =>
  parseGguf(bytes, { path: 'x.gguf', fileByteLength: bytes.byteLength });

test('what is written is read back: values of every kind, tensors at their padded places', () => {
  const layout = layoutGguf(metadata, specs);
  const gguf = parseWhole(smallFile());
  assert.deepEqual(gguf?.metadata, metadata);
  assert.deepEqual([...(gguf?.tensors.values() ?? [])], layout.tensors);
  assert.deepEqual(
    layout.tensors.map(({ byteLength }) => byteLength),
    [64 * 3 * 2, 5 * 4, 4 * 34],
  );
  for (const { offset } of layout.tensors) assert.equal(offset % 32, 0);
});

test('arrays decode to their elements, numbers of any kind to numbers', () => {
  const gguf = parseWhole(smallFile());
  assert.ok(gguf);
  assert.deepEqual(stringArray(gguf.metadata.get('a.strings') ?? u32(0)).slice(0, 3), ['', 'Ġa', '日本語']);
  assert.deepEqual(numberArray(gguf.metadata.get('a.numbers') ?? u32(0)), [1, -2, 3]);
  assert.equal(requireNumber(gguf, 'a.i8'), -128);
  assert.equal(optionalNumber(gguf, 'absent'), undefined);
  assert.throws(() => requireNumber(gguf, 'absent'), { code: 'model', message: 'x.gguf: lacks absent' });
  assert.throws(() => requireNumber(gguf, 'a.bool'), { code: 'model', message: /a\.bool is bool, expected a number/ });
});

test('a header longer than the first read is read on, without the tensors', async () => {
  await withFolder(async (folder) => {
    const long = new Map([
      ...metadata,
      ['a.long', stringsValue(Array.from({ length: 100_000 }, (_, i) => `word ${i}`))],
    ]);
    const layout = layoutGguf(long, specs);
    const path = putFile(folder, 'long.gguf', layout.header);
    truncateSync(path, layout.byteLength);
    const gguf = await readGguf(path);
    assert.equal(gguf.tensors.size, specs.length);
    assert.deepEqual(gguf.metadata, long);
  });
});

test('a tensor that goes past the end of the file is named', () => {
  const bytes = smallFile().subarray(0, -100);
  assert.throws(() => parseWhole(bytes), {
    code: 'model',
    message: /tensor blk\.0\.attn_q\.weight: needs bytes \d+ to \d+, but the file ends at/,
  });
});

const faults: readonly (readonly [what: string, change: (view: DataView) => void, message: RegExp])[] = [
  ['another magic', (view) => view.setUint32(0, 0x46554748), /does not begin with GGUF/],
  ['version 1', (view) => view.setUint32(4, 1, true), /has GGUF version 1/],
  ['big-endian', (view) => view.setUint32(4, 3, false), /is big-endian/],
  ['too many tensors', (view) => view.setBigUint64(8, 2n ** 60n, true), /number of tensors is 1152921504606846976/],
  ['too many keys', (view) => view.setBigUint64(16, 2n ** 40n, true), /number of metadata keys/],
  [
    'a key longer than the file',
    (view) => view.setBigUint64(24, 60_000n, true),
    /ends at byte \d+, inside metadata key/,
  ],
];
for (const [what, change, message] of faults) {
  test(`a header with ${what} is refused`, () => {
    const bytes = smallFile();
    change(new DataView(bytes.buffer));
    assert.throws(() => parseWhole(bytes), { code: 'model', message });
  });
}

const changedSpecs: readonly (readonly [what: string, change: object, message: RegExp])[] = [
  ['of an unknown type', { type: 31 }, /has ggml type 31/],
  ['whose rows are not whole blocks', { dims: [33, 2] }, /rows of 33 are not whole blocks of q8_0/],
  ['of five dimensions', { dims: [32, 1, 1, 1, 1] }, /has 5 dimensions/],
  ['of a shape beyond all files', { dims: [2 ** 40, 2 ** 20] }, /cannot be right/],
  ['without elements', { dims: [32, 0] }, /cannot be right/],
  ['with an unaligned place', { offset: 33 }, /starts at 33, expected a multiple of 32/],
  ['over another', { offset: 32 }, /overlap/],
  ['with the name of another', { name: 'token_embd.weight' }, /token_embd\.weight stands twice/],
  ['with an overlong name', { name: 'n'.repeat(64) }, /length of a tensor name is 64/],
];
for (const [what, change, message] of changedSpecs) {
  test(`a tensor ${what} is refused`, () => {
    const bytes = withTensorEntry({ name: 'last', dims: [32, 2], type: 8, offset: 448, ...change });
    assert.throws(() => parseWhole(bytes), { code: 'model', message });
  });
}

/** The small file with its last entry of the tensor table replaced, unchecked. */
function withTensorEntry(entry: { name: string; dims: number[]; type: number; offset: number }): Uint8Array {
  const head = layoutGguf(new Map(), specs.slice(0, 2)).header;
  let end = 24;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (let index = 0; index < 2; index++) {
    end += 8 + Number(view.getBigUint64(end, true));
    end += 4 + 8 * view.getUint32(end, true) + 12;
  }
  view.setBigUint64(8, 3n, true);
  const name = Buffer.from(entry.name);
  const rest = Buffer.alloc(8 + name.byteLength + 4 + 8 * entry.dims.length + 12);
  let at = rest.writeBigUInt64LE(BigInt(name.byteLength));
  at += name.copy(rest, at);
  at = rest.writeUInt32LE(entry.dims.length, at);
  for (const dim of entry.dims) at = rest.writeBigUInt64LE(BigInt(dim), at);
  at = rest.writeUInt32LE(entry.type, at);
  rest.writeBigUInt64LE(BigInt(entry.offset), at);
  return Buffer.concat([head.subarray(0, end), rest], 4096);
}

test('a key that stands twice is refused', () => {
  const bytes = layoutGguf(
    new Map([
      ['same', u32(1)],
      ['samf', u32(2)],
    ]),
    [],
  ).header;
  bytes[Buffer.from(bytes).indexOf('samf') + 3] = 'e'.charCodeAt(0);
  assert.throws(() => parseWhole(bytes), { code: 'model', message: 'x.gguf: same stands twice in the metadata' });
});

test('a file cut at any byte is refused as such', () => {
  const whole = smallFile();
  for (let length = 0; length < whole.byteLength - 31; length++) {
    assert.throws(() => parseWhole(whole.subarray(0, length)), PixtralError, `cut at ${length}`);
  }
});

test('a file with any bytes changed parses or throws PixtralError', () => {
  const whole = smallFile();
  const place = fc.nat(whole.byteLength - 1);
  const change = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(change, (changes) => {
      const bytes = whole.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      try {
        assert.ok(parseWhole(bytes));
      } catch (thrown) {
        assert.ok(thrown instanceof PixtralError, String(thrown));
      }
    }),
    { numRuns: 20_000 },
  );
});

test('any bytes after the magic parse or throw PixtralError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
      const bytes = Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), tail]);
      try {
        parseWhole(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof PixtralError, String(thrown));
      }
    }),
    { numRuns: 5_000 },
  );
});

test('a missing file, a folder and an empty file are model errors that name them', async () => {
  await withFolder(async (folder) => {
    const empty = putFile(folder, 'empty.gguf', '');
    writeFileSync(empty, '');
    await assert.rejects(readGguf(`${folder}/none.gguf`), { code: 'model', message: /none\.gguf: no such file/ });
    await assert.rejects(readGguf(folder), { code: 'model', message: /not a file/ });
    await assert.rejects(readGguf(empty), { code: 'model', message: /ends at byte 0, inside the GGUF header/ });
  });
});
