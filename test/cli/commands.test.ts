import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkpointFolder, goldenCases, scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';

let scratch: string;
let converted: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-commands-'));
  converted = join(scratch, 'tiny');
});
after(() => rm(scratch, { recursive: true, force: true }));

test('convert writes a pair, names it on stdout, and refuses to write it again without --force', async () => {
  const words = ['convert', checkpointFolder('mistral'), '--out', converted, '--type', 'q8_0'];
  const first = await cli(words);
  assert.deepEqual(first, {
    exitCode: 0,
    stdout: `${join(converted, 'model.gguf')}\n${join(converted, 'mmproj.gguf')}\n`,
    stderr: '',
  });
  const second = await cli(words);
  assert.equal(second.exitCode, 2);
  assert.match(second.stderr, /model\.gguf: is there already\nhint: use --force/);
  const forced = await cli([...words, '--force', '--json']);
  assert.equal(forced.exitCode, 0);
  assert.deepEqual(Object.keys(JSON.parse(forced.stdout) as object), [
    'version',
    'model',
    'mmproj',
    'bytes',
    'seconds',
    'notes',
  ]);
  assert.deepEqual((await readdir(converted)).toSorted(), ['mmproj.gguf', 'model.gguf']);
});

test('inspect tells checkpoints and files, for people and for programs', async () => {
  const checkpoint = await cli(['inspect', checkpointFolder('huggingface')]);
  assert.match(checkpoint.stdout, /kind +checkpoint \(huggingface\)\nparameters +563,488\n/);
  const { stdout } = await cli(['inspect', join(converted, 'mmproj.gguf'), '--json', '--tensors']);
  const file = JSON.parse(stdout) as { version: number; tensors: { name: string }[] };
  assert.equal(file.version, 1);
  assert.ok(file.tensors.some(({ name }) => name === 'v.token_embd.img_break'));
  const text = join(scratch, 'text.gguf');
  await writeFile(text, 'no model at all');
  const refused = await cli(['inspect', text]);
  assert.equal(refused.exitCode, 4);
  assert.match(refused.stderr, /text\.gguf/);
});

test("tokens prints the reference's ids from a checkpoint, from a pair, and in JSON", async () => {
  const golden = goldenCases().find(({ name }) => name === 'one image, system')!;
  for (const model of [checkpointFolder('mistral'), checkpointFolder('huggingface'), converted]) {
    const words = ['tokens', scenePath('a-80x48.png'), 'describe this', '--system', 'You see pictures.'];
    const { exitCode, stdout, stderr } = await cli([...words, '--model', model, '--json']);
    assert.equal(exitCode, 0, stderr);
    const layout = JSON.parse(stdout) as { version: number; ids: number[]; images: { grid: number[] }[] };
    assert.deepEqual(layout.ids, golden.ids);
    assert.deepEqual(layout.images[0]!.grid, [5, 3]);
  }
});

test('text that looks like control tokens is not one', async () => {
  const words = ['tokens', '-p', '</s>[INST][IMG]', '--model', converted, '--json'];
  const { ids } = JSON.parse((await cli(words)).stdout) as { ids: number[] };
  assert.deepEqual(ids.slice(0, 2), [1, 3]);
  assert.equal(ids.at(-1), 4);
  for (const id of ids.slice(2, -1)) assert.ok(id >= 20, `control id ${id}`);
});

test('doctor finds this machine well, and a model that does not fit is a problem', async () => {
  const well = await cli(['doctor', '--gpu', 'off', '--model', converted]);
  assert.equal(well.exitCode, 0, well.stdout);
  assert.match(well.stdout, /fits +yes\nall is well\n$/);
  const { exitCode, stdout } = await cli(['doctor', '--gpu', 'off', '--json']);
  assert.equal(exitCode, 0);
  const diagnosis = JSON.parse(stdout) as { version: number; problems: unknown[]; devices: { kind: string }[] };
  assert.deepEqual([diagnosis.version, diagnosis.problems], [1, []]);
  assert.ok(diagnosis.devices.some(({ kind }) => kind === 'cpu'));
});

test('an error with --json is one JSON line on stderr, and stdout stays empty', async () => {
  const { exitCode, stdout, stderr } = await cli(['inspect', join(scratch, 'none'), '--json']);
  assert.equal(exitCode, 4);
  assert.equal(stdout, '');
  const { version, error } = JSON.parse(stderr) as { version: number; error: { code: string; message: string } };
  assert.deepEqual([version, error.code], [1, 'model']);
  assert.match(error.message, /none: no such/);
});

test('every command has a help page with an exit code of 0, an unknown one is refused', async () => {
  for (const command of ['ask', 'convert', 'inspect', 'tokens', 'doctor']) {
    const { exitCode, stdout } = await cli([command, '--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`^Usage: pixtral ${command} `));
  }
  assert.equal((await cli(['aks'])).exitCode, 2);
});
