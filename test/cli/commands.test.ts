import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Comparison } from '../../src/convert/compare.ts';
import type { PlanJson } from '../../src/output/conversion.ts';
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
  assert.match(second.stderr, /tiny: is there already\nhint: use --force/);
  const forced = await cli([...words, '--force', '--json']);
  assert.equal(forced.exitCode, 0);
  assert.deepEqual(Object.keys(JSON.parse(forced.stdout) as object), [
    'version',
    'model',
    'mmproj',
    'bytes',
    'resumed_bytes',
    'checked',
    'seconds',
    'notes',
  ]);
  assert.deepEqual((await readdir(converted)).toSorted(), ['mmproj.gguf', 'model.gguf']);
});

test('convert prints its plan and writes nothing with --dry-run, with types of single tensors', async () => {
  const out = join(scratch, 'planned');
  const words = ['convert', checkpointFolder('huggingface'), '--out', out, '--type', 'q4_0', '--dry-run'];
  const { exitCode, stdout } = await cli([...words, '--tensor-type', 'ATTN_V=q8_0', '--mmproj-type', 'bf16']);
  assert.equal(exitCode, 0);
  assert.match(stdout, /\n {2}blk\.0\.attn_v\.weight +64x96 +bf16 +q8_0 +6\.5 kB\n/);
  assert.match(stdout, /\n {2}mm\.2\.weight +96x96 +bf16 +bf16 +18\.4 kB\n/);
  assert.match(stdout, /in all; nothing was written\n$/);
  const { bytes, files } = JSON.parse((await cli([...words, '--json'])).stdout) as PlanJson;
  assert.equal(
    bytes,
    files.reduce((sum, file) => sum + file.bytes, 0),
  );
  await assert.rejects(readdir(out));
  for (const bad of ['attn_v', 'attn_v=q9', '(=q8_0']) {
    assert.equal((await cli([...words, '--tensor-type', bad])).exitCode, 2, bad);
  }
  const idle = await cli([...words, '--tensor-type', 'attn_w=q8_0']);
  assert.equal(idle.exitCode, 2);
  assert.match(idle.stderr, /--tensor-type attn_w: matches no tensor/);
});

test('convert --check finds a changed byte, and names its tensor', async () => {
  const out = join(scratch, 'checked');
  const words = ['convert', checkpointFolder('mistral'), '--out', out, '--type', 'q5_1'];
  const first = await cli([...words, '--check']);
  assert.deepEqual([first.exitCode, first.stderr], [0, 'checked: every tensor is as the checkpoint says\n']);
  const path = join(out, 'mmproj.gguf');
  const bytes = await readFile(path);
  bytes[bytes.byteLength - 40]! ^= 16;
  await writeFile(path, bytes);
  const { exitCode, stderr } = await cli([...words, '--check']);
  assert.equal(exitCode, 4);
  assert.match(stderr, /mmproj\.gguf: tensor v\.token_embd\.img_break: differs from the checkpoint's at byte \d+\n/);
});

test('inspect compares a checkpoint with a pair, and a pair with another', async () => {
  const same = await cli(['inspect', checkpointFolder('mistral'), checkpointFolder('huggingface')]);
  assert.match(same.stdout, /weights +the same\n1 settings that differ\n {2}architecture +mistral +huggingface\n/);
  const made = await cli(['inspect', checkpointFolder('huggingface'), converted]);
  assert.match(made.stdout, /weights +the same\n/);
  assert.match(made.stdout, /\n {2}blk\.0\.attn_q\.weight +bf16 128x96 +q8_0 128x96\n/);
  const { stdout } = await cli(['inspect', converted, checkpointFolder('merger'), '--json']);
  const other = JSON.parse(stdout) as Comparison;
  assert.equal(other.sameWeights, false);
  assert.ok(other.tensors.some(({ name, a, b }) => name === 'mm.patch_merger.weight' && a === undefined && b));
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
  for (const command of ['ask', 'convert', 'inspect', 'tokens', 'doctor', 'completion', 'man']) {
    const { exitCode, stdout } = await cli([command, '--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`^Usage: pixtral ${command} `));
  }
  assert.equal((await cli(['aks'])).exitCode, 2);
});
