import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Relative, checkpointFolder, goldenCases, relatives, scenePath } from '../helpers/checkpoints.ts';
import { type CliRun, cli } from '../helpers/cli.ts';
import { oneLayout } from '../helpers/converted.ts';
import { withFolder } from '../helpers/weights.ts';

const words = [scenePath('a-80x48.png'), 'what is this?'];
const greedy = ['--temperature', '0', '--gpu', 'off', '--json'];
const families: Readonly<Record<Relative, { family: string; stored: RegExp }>> = {
  'ministral-3': { family: 'Ministral 3', stored: /f8_e4m3 +14 tensors/ },
  'ministral-3-base': { family: 'Ministral 3', stored: /bf16 +53 tensors/ },
  'mistral-small-3.1': { family: 'Mistral Small 3', stored: /bf16 +54 tensors/ },
  'mistral-small-3.2': { family: 'Mistral Small 3', stored: /bf16 +54 tensors/ },
  'magistral-small-1.2': { family: 'Mistral Small 3', stored: /bf16 +54 tensors/ },
  'devstral-small-2': { family: 'Ministral 3', stored: /f8_e4m3 +14 tensors/ },
};

async function done(argv: readonly string[]): Promise<CliRun> {
  const run = await cli(argv);
  assert.equal(run.exitCode, 0, run.stderr);
  return run;
}

for (const name of relatives) {
  for (const layout of ['mistral', 'huggingface'] as const) {
    test(`${name} in the ${layout} layout is inspected, converted, counted, asked and asked in a batch`, async () => {
      await withFolder(async (folder) => {
        const checkpoint = await oneLayout(folder, { name, layout });
        const inspected = await done(['inspect', checkpoint]);
        assert.match(inspected.stdout, new RegExp(`family +${families[name].family}\n`));
        assert.match(inspected.stdout, families[name].stored);
        const out = join(folder, 'pair');
        const converted = await done(['convert', checkpoint, '--type', 'f32', '--out', out, '--check']);
        assert.match(converted.stderr, /checked: every tensor is as the checkpoint says/);
        const [golden] = goldenCases(name);
        for (const model of [checkpoint, out]) {
          const counted = await done(['tokens', ...words, '--model', model, '--json']);
          assert.deepEqual(JSON.parse(counted.stdout).ids, golden!.ids);
        }
        const asked = await done(['ask', ...words, '--model', out, '--max-tokens', '8', ...greedy]);
        const { text, usage } = JSON.parse(asked.stdout);
        assert.equal(usage.prompt, golden!.ids.length);
        const records = join(folder, 'records.jsonl');
        await writeFile(records, `${JSON.stringify({ id: 'one', images: [words[0]], prompt: words[1] })}\n`);
        const answers = await done([
          'batch',
          '--records',
          records,
          '--model',
          out,
          '--max-tokens',
          '8',
          ...greedy.slice(0, 4),
        ]);
        assert.equal(JSON.parse(answers.stdout).text, text);
      });
    });
  }
}

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
