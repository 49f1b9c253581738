import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { resumableSha256 } from '../../src/native/sha256.ts';

const bytes = randomBytes(300_001);
const expected = createHash('sha256').update(bytes).digest('hex');

for (const engine of ['openssl', 'wasm']) {
  test(`${engine}: a sum that is saved and gone on with is that of the whole`, async () => {
    let saved = engine === 'wasm' ? await emptyWasm() : (await resumableSha256())!.save();
    assert.ok(saved.startsWith(`${engine}:`));
    for (const [start, end] of [
      [0, 1],
      [1, 64],
      [64, 100_000],
      [100_000, 100_000],
      [100_000, 300_001],
    ] as const) {
      const hash = (await resumableSha256(saved))!;
      await hash.update(bytes.subarray(start, end));
      saved = hash.save();
    }
    assert.equal((await resumableSha256(saved))!.digest(), expected);
  });
}

async function emptyWasm(): Promise<string> {
  const { createSHA256 } = await import('hash-wasm');
  const hash = await createSHA256();
  hash.init();
  return `wasm:${Buffer.from(hash.save()).toString('base64')}`;
}

test('a state of another kind is refused, not gone on with', async () => {
  for (const state of ['openssl:AAAA', 'wasm:AAAA', 'wasm:', 'openssl:']) {
    assert.equal(await resumableSha256(state), undefined, state);
  }
});
