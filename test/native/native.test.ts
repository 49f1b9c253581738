import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AbortFlag } from '../../src/native/abort-flag.ts';
import { listDevices } from '../../src/native/devices.ts';
import { ggmlType, tensorLayout, threadPoolParamsLayout } from '../../src/native/ggml.ts';
import { Handles } from '../../src/native/handles.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { openThreadPool } from '../../src/native/thread-pool.ts';
import { runtimeVersions } from '../../src/native/versions/registry.ts';

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

test('the runtime is a version that the bindings were written for', () => {
  assert.ok(runtimeVersions.some(({ version }) => native.version.startsWith(version)));
});

test('there is a CPU device', () => {
  assert.ok(listDevices(native).some(({ kind }) => kind === 'cpu'));
});

test("the tensor header is laid out as the abort flag assumes: ggml's own predicates read it", () => {
  const flag = new AbortFlag();
  assert.equal(native.ggml.isEmpty(flag.data), false);
  assert.equal(native.ggml.isScalar(flag.data), true);
  flag.set();
  assert.equal(native.ggml.isEmpty(flag.data), true);
  assert.equal(native.ggml.isScalar(flag.data), false);
  flag.clear();
  assert.equal(native.ggml.isEmpty(flag.data), false);
  assert.equal(native.ggml.tensorOverhead() > tensorLayout.size, true);
});

test('the parameters of a thread pool are laid out as the pool assumes, and a pool can be made and closed', () => {
  const { byteLength, poll } = threadPoolParamsLayout;
  const parameters = new Uint8Array(byteLength + 8).fill(0xee);
  native.ggml.threadPoolParamsInit(parameters, 7);
  const view = new DataView(parameters.buffer);
  assert.deepEqual([view.getUint32(poll - 8, true), view.getUint32(poll, true)], [7, 50]);
  assert.deepEqual(
    [...parameters.subarray(byteLength)],
    Array.from({ length: 8 }, () => 0xee),
  );
  openThreadPool(native, 2)!.close();
});

test('a quantised row comes back within half a step of its blocks', async () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i) * 3);
  const row = new Uint8Array(native.ggml.bytesPerRow(ggmlType.q8_0, 64));
  const written = await native.ggml.quantizeChunk(ggmlType.q8_0, values, row, 0, 1, 64, null);
  assert.equal(written, row.length);
  const back = native.dequantize(ggmlType.q8_0, row, 64);
  values.forEach((value, i) => assert.ok(Math.abs(value - back[i]!) <= 3 / 127 / 2 + 1e-3));
});

test('f32 rows need no conversion, f16 and bf16 rows keep exactly representable values', () => {
  const values = Float32Array.of(1, -2.5, 0, 96);
  const wide = new Uint8Array(values.buffer);
  assert.deepEqual(native.dequantize(ggmlType.f32, wide, 4), values);
  for (const type of [ggmlType.f16, ggmlType.bf16]) {
    const half = new Uint8Array(8);
    assert.equal(native.ggml.quantizeChunkSync(type, values, half, 0, 1, 4, null), 8);
    assert.deepEqual(native.dequantize(type, half, 4), values);
  }
});

test("halves made by the processor's own instructions are those of the portable library, ties and subnormals too", async () => {
  const halfUlps = Array.from({ length: 0x7c00 }, (_, half) => [
    0x38001000 + (half << 13),
    0x33000000 + half * 0x2001,
  ]).flat();
  const words = Uint32Array.from([...halfUlps, ...Array.from({ length: 0x10000 }, (_, high) => high << 16)]);
  const finite = new Float32Array(words.buffer).map((value) => (Math.abs(value) < 65_520 ? value : 0));
  const [ours, portable] = [new Uint16Array(finite.length), new Uint16Array(finite.length)];
  await native.ggml.fp32ToFp16Rows(finite, ours, finite.length);
  native.ggml.fp32ToFp16Row(finite, portable, finite.length);
  assert.deepEqual(ours, portable);
});

test('handles close in reverse order, once, and null is refused', () => {
  const closed: bigint[] = [];
  const handles = new Handles();
  for (const handle of [1n, 2n, 3n]) handles.own('a thing', handle, (made) => closed.push(made));
  assert.throws(() => handles.own('a thing', null, () => {}), { code: 'machine' });
  handles.close();
  handles.close();
  assert.deepEqual(closed, [3n, 2n, 1n]);
});
