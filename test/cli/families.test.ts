import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkpointFolder, goldenCases, scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { withFolder } from '../helpers/weights.ts';

test('a relative is inspected, converted, counted and asked like Pixtral', async () => {
  await withFolder(async (folder) => {
    const checkpoint = checkpointFolder('ministral-3');
    const inspected = await cli(['inspect', checkpoint]);
    assert.equal(inspected.exitCode, 0, inspected.stderr);
    assert.match(inspected.stdout, /family +Ministral 3\n/);
    assert.match(inspected.stdout, /f8_e4m3 +14 tensors/);
    const out = join(folder, 'pair');
    const converted = await cli(['convert', checkpoint, '--type', 'q4_k_m', '--out', out, '--check']);
    assert.equal(converted.exitCode, 0, converted.stderr);
    assert.match(converted.stderr, /checked: every tensor is as the checkpoint says/);
    const [golden] = goldenCases('ministral-3');
    const words = [scenePath('a-80x48.png'), 'what is this?'];
    for (const model of [checkpoint, out]) {
      const counted = await cli(['tokens', ...words, '--model', model, '--json']);
      assert.equal(counted.exitCode, 0, counted.stderr);
      assert.deepEqual(JSON.parse(counted.stdout).ids, golden!.ids);
    }
    const asked = await cli(['ask', ...words, '--model', out, '--max-tokens', '4', '--gpu', 'off', '--json']);
    assert.equal(asked.exitCode, 0, asked.stderr);
    assert.equal(JSON.parse(asked.stdout).usage.prompt, golden!.ids.length);
  });
});

test('an adapter is merged from the command line, into a folder of its own name, and a wrong one is a model error', async () => {
  const lora = join(checkpointFolder('mistral'), '../../lora/plain');
  const planned = await cli(['convert', checkpointFolder('mistral'), '--lora', lora, '--dry-run', '--json']);
  assert.equal(planned.exitCode, 0, planned.stderr);
  const { files, notes } = JSON.parse(planned.stdout);
  assert.match(files[0].path, /mistral-plain-q8_0.model\.gguf$/);
  assert.match(notes.join(), /merged into 19 tensors/);
  const wrong = await cli(['convert', checkpointFolder('ministral-3'), '--lora', lora, '--dry-run']);
  assert.equal(wrong.exitCode, 4);
  assert.match(wrong.stderr, /give the checkpoint that the adapter was trained on/);
});
