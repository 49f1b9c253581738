import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readModelCard } from '../../src/convert/model-card.ts';
import { convertCheckpoint } from '../../src/engine/convert.ts';
import { readGguf } from '../../src/gguf/read.ts';
import { optionalNumber, optionalString } from '../../src/gguf/values.ts';
import type { Native } from '../../src/native/native.ts';
import { openNative } from '../../src/native/open-native.ts';
import { plainOptions } from '../helpers/converted.ts';
import { putFile, withFolder, writeCheckpoint } from '../helpers/weights.ts';

const card = `---
license: apache-2.0
license_link: https://www.apache.org/licenses/LICENSE-2.0
base_model:
- mistralai/Pixtral-12B-Base-2409
- /home/someone/checkpoint
language: [en, fr]
---

# A model
`;

let native: Native;
before(async () => {
  native = await openNative({ gpu: 'off', onLog: () => {} });
});
after(() => native.close());

test("licence and base model come from the README's front matter into both files", async () => {
  await withFolder(async (folder) => {
    const checkpoint = await writeCheckpoint(join(folder, 'in'), { layout: 'mistral', dtype: 'BF16' });
    putFile(checkpoint, 'README.md', card);
    const { model, mmproj } = await convertCheckpoint(checkpoint, {
      ...plainOptions('q8_0', join(folder, 'out')),
      sourceUrl: 'https://example.org/weights',
      native,
    });
    for (const path of [model, mmproj]) {
      const gguf = await readGguf(path);
      assert.equal(optionalString(gguf, 'general.license'), 'apache-2.0');
      assert.equal(optionalString(gguf, 'general.license.link'), 'https://www.apache.org/licenses/LICENSE-2.0');
      assert.equal(optionalString(gguf, 'general.source.url'), 'https://example.org/weights');
      assert.equal(optionalString(gguf, 'general.quantized_by'), 'pixtral test');
      assert.equal(optionalNumber(gguf, 'general.base_model.count'), 1);
      assert.equal(optionalString(gguf, 'general.base_model.0.name'), 'Pixtral 12B Base 2409');
      assert.equal(
        optionalString(gguf, 'general.base_model.0.repo_url'),
        'https://huggingface.co/mistralai/Pixtral-12B-Base-2409',
      );
    }
  });
});

for (const [what, text] of [
  ['no front matter', '# A model\n'],
  ['front matter that is no YAML', '---\na: [\n---\n'],
  ['front matter that is no mapping', '---\n- a\n---\n'],
  ['aliases that would multiply', `---\na: &a [1,1]\nb: [${'*a,'.repeat(1000)}]\n---\n`],
  ['fields of other kinds', '---\nlicense: [1]\nbase_model: {a: 1}\n---\n'],
] as const) {
  test(`a card with ${what} says nothing`, async () => {
    await withFolder(async (folder) => {
      putFile(folder, 'README.md', text);
      assert.deepEqual(await readModelCard(folder), {
        license: undefined,
        licenseName: undefined,
        licenseLink: undefined,
        baseModels: [],
      });
    });
  });
}
