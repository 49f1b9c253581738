import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { convertCheckpoint } from '../../src/engine/convert.ts';
import { readGguf } from '../../src/gguf/read.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { plainOptions } from '../helpers/converted.ts';
import { goldenQuantizedPath, quantizedCases, tensorsHash, writeCaseImatrix } from '../helpers/quantized.ts';
import { withFolder, writeCheckpoint } from '../helpers/weights.ts';

const golden = JSON.parse(readFileSync(goldenQuantizedPath, 'utf8')) as Record<string, string>;

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

for (const [config, cases] of quantizedCases()) {
  const names = cases.map(({ name }) => name);
  test(`tensors are llama-quantize's: ${names[0]} to ${names.at(-1)}`, async () => {
    await withFolder(async (folder) => {
      const checkpoint = await writeCheckpoint(join(folder, 'in'), { layout: 'mistral', dtype: 'BF16', config });
      for (const { name, type, overrides, imatrix } of cases) {
        const { model } = await convertCheckpoint(checkpoint, {
          ...plainOptions(type, join(folder, 'out')),
          overrides,
          imatrix: imatrix && writeCaseImatrix(folder, imatrix),
          force: true,
          native,
        });
        assert.equal(tensorsHash(await readGguf(model)), golden[name], name);
      }
    });
  });
}
