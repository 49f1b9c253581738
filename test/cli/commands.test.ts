import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Comparison } from '../../src/convert/compare.ts';
import type { PlanJson } from '../../src/output/conversion.ts';
import { checkpointFolder, goldenCases, scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { imagePath } from '../helpers/corpus.ts';

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

test('tokens tells what each level of detail costs, and lays tiles out with a sentence each', async () => {
  const large = join(scratch, 'large.png');
  const { createCanvas } = await import('@napi-rs/canvas');
  await writeFile(large, await createCanvas(500, 300).encode('png'));
  const layout = async (...words: string[]) => {
    const { stdout } = await cli([
      'tokens',
      large,
      'what?',
      ...words,
      '--model',
      checkpointFolder('mistral'),
      '--json',
    ]);
    return JSON.parse(stdout) as { pieces: string[]; ids: number[]; images: { tokens: number; crop?: number[] }[] };
  };
  const full = await layout();
  assert.deepEqual(
    full.images.map(({ tokens }) => tokens),
    [170],
  ); // the tiny checkpoint sees 256 pixels
  const { ids, pieces, images } = await layout('--detail', 'tiles', '--max-tiles', '2');
  assert.equal(images[0]!.crop, undefined);
  assert.deepEqual(
    images.slice(1).map(({ crop }) => crop),
    [
      [0, 0, 259, 300],
      [241, 0, 259, 300],
    ],
  );
  const text = pieces.filter((piece) => !piece.startsWith('[IMG')).join('');
  assert.equal(text, '<s>[INST]Overview of the picture:Part 1 of 2, left:Part 2 of 2, right:what?[/INST]');
  const inImages = images.reduce((sum, { tokens }) => sum + tokens, 0);
  assert.equal(pieces.filter((piece) => piece.startsWith('[IMG')).length, inImages);
  assert.ok(ids.length > inImages);
});

test('pages of a file stay in order, are named in the receipt, and tiles of a drawing show more than it holds', async () => {
  const pdf = imagePath('pages.pdf');
  const layout = async (...words: string[]) => {
    const { stdout, stderr } = await cli(['tokens', ...words, 'x', '--model', checkpointFolder('mistral'), '--json']);
    assert.equal(stderr, '');
    return JSON.parse(stdout) as { pieces: string[]; images: { page: number; crop?: number[]; seen: number[] }[] };
  };
  const pages = async (...words: string[]) => (await layout(...words)).images.map(({ page }) => page);
  assert.deepEqual(await pages(pdf), [1, 2, 3]);
  assert.deepEqual(await pages(`${pdf}#3,1-2`), [3, 1, 2]);
  assert.deepEqual(await pages(`${pdf}#every=2`), [1, 3]);
  const { images, pieces } = await layout(`${pdf}#2`, '--detail', 'tiles', '--max-tiles', '2');
  assert.deepEqual(
    images.map(({ page, crop }) => [page, crop === undefined]),
    [
      [2, true],
      [2, false],
      [2, false],
    ],
  );
  const text = pieces.filter((piece) => !piece.startsWith('[IMG')).join('');
  assert.match(text, /Overview of page 2:Page 2, part 1 of 2, left:Page 2, part 2 of 2, right:/);
  const few = await cli(['tokens', pdf, 'x', '--max-pages', '2', '--model', checkpointFolder('mistral')]);
  assert.equal(few.exitCode, 3);
  assert.match(few.stderr, /pages\.pdf: 3 pages to read, expected at most 2\nhint: choose some/);
});

test('a folder gives an image for each of its pictures, in order', async () => {
  const words = ['tokens', 'fixtures/scenes', 'what?', '--model', checkpointFolder('mistral')];
  const { stdout } = await cli([...words, '--json']);
  const { images } = JSON.parse(stdout) as { images: { source: string }[] };
  assert.deepEqual(
    images.map(({ source }) => source),
    ['a-80x48', 'b-48x80', 'c-64x64', 'd-17x33', 'e-400x270'].map((name) => join('fixtures/scenes', `${name}.png`)),
  );
  assert.match((await cli(words)).stdout, /\n\d+ ids \(\d+ of 5 images\), template v3\n$/);
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

test('trim shows what it would remove, and keeps what this machine computes with', async () => {
  const { exitCode, stdout } = await cli(['trim', '--cpu', '--dry-run', '--json']);
  assert.equal(exitCode, 0);
  const { builds } = JSON.parse(stdout) as { builds: { name: string; bytes: number; removed: boolean }[] };
  const kept = builds.filter(({ removed }) => !removed);
  assert.deepEqual(
    kept.map(({ name }) => name.split('-').slice(1, 2)),
    [[process.arch]],
  );
  assert.ok(kept[0]!.bytes > 2 ** 20);
  assert.match((await cli(['trim', '--dry-run'])).stdout, /kept\n$|^nothing to remove/);
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
  for (const command of ['ask', 'convert', 'inspect', 'tokens', 'view', 'cache', 'doctor', 'completion', 'man']) {
    const { exitCode, stdout } = await cli([command, '--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`^Usage: pixtral ${command} `));
  }
  assert.equal((await cli(['aks'])).exitCode, 2);
});
