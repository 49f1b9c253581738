import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { main } from '../../src/cli/main.ts';
import { checkpointFolder, scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { decodeFile } from '../helpers/pictures.ts';
import { rgbOf } from '../helpers/pixels.ts';

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-view-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

const scene = scenePath('a-80x48.png');
const out = (name: string): string => join(scratch, name);

test('the PNG holds the pixels that the tower sees; its path is on stdout and its receipt on stderr', async () => {
  const { exitCode, stdout, stderr } = await cli(['view', scene, '-o', out('seen.png')]);
  assert.deepEqual([exitCode, stdout], [0, `${out('seen.png')}\n`]);
  assert.match(stderr, /a-80x48\.png {2}80x48 {2}seen as 80x48 {2}grid 5x3 {2}18 ids {2}no value clamped\n$/);
  const [seen, original] = [await readFile(out('seen.png')), await readFile(scene)];
  assert.deepEqual(rgbOf(await decodeFile(seen)), rgbOf(await decodeFile(original)));
});

test('a file that is there is replaced with --force only, and no part of one is left', async () => {
  await writeFile(out('there.png'), 'mine');
  const refused = await cli(['view', scene, '-o', out('there.png')]);
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /there\.png: is there already\nhint: use --force/);
  assert.equal(await readFile(out('there.png'), 'utf8'), 'mine');
  assert.equal((await cli(['view', scene, '-o', out('there.png'), '--force'])).exitCode, 0);
  assert.notEqual(await readFile(out('there.png'), 'utf8'), 'mine');
  const nowhere = await cli(['view', scene, '-o', out('nowhere/x.png')]);
  assert.equal(nowhere.exitCode, 5);
  assert.ok(!(await readdir(scratch)).some((name) => name.endsWith('.part')));
});

test('several pictures become numbered files, with the grid of the model that is named', async () => {
  const words = ['view', scene, scenePath('d-17x33.png'), '--model', checkpointFolder('merger'), '--json'];
  const { stdout, stderr } = await cli([...words, '-o', out('many.png')]);
  assert.equal(stderr, '');
  const { images } = JSON.parse(stdout) as { images: { file: string; seen: number[]; tokens: number }[] };
  assert.deepEqual(
    images.map(({ file, seen, tokens }) => ({ file, seen, tokens })),
    [
      { file: out('many-1.png'), seen: [84, 56], tokens: 8 },
      { file: out('many-2.png'), seen: [28, 56], tokens: 4 },
    ],
  );
  for (const { file, seen } of images) {
    const { width, height } = await decodeFile(await readFile(file));
    assert.deepEqual([width, height], seen);
  }
});

test('--grid draws lines and numbers around the picture at twice its size', async () => {
  await cli(['view', scene, '-o', out('grid.png'), '--grid']);
  const { width, height } = await decodeFile(await readFile(out('grid.png')));
  assert.deepEqual([width, height], [32 + 160 + 1, 32 + 96 + 1]);
});

test('--detail low is at most 512 pixels, tiles are an overview and parts at full resolution', async () => {
  const { createCanvas } = await import('@napi-rs/canvas');
  await writeFile(out('large.png'), await createCanvas(1980, 1000).encode('png'));
  const view = async (detail: string) => {
    const run = await cli(['view', out('large.png'), '--detail', detail, '--json', '-o', out(`${detail}.png`)]);
    const { images } = JSON.parse(run.stdout) as { images: { seen: number[]; crop?: number[]; width: number }[] };
    return images.map(({ seen, crop, width }) => ({ seen, crop, width }));
  };
  assert.deepEqual(await view('low'), [{ seen: [512, 272], crop: undefined, width: 1980 }]);
  assert.deepEqual(await view('tiles'), [
    { seen: [1024, 528], crop: undefined, width: 1980 },
    { seen: [1024, 1008], crop: [0, 0, 1022, 1000], width: 1022 },
    { seen: [1024, 1008], crop: [958, 0, 1022, 1000], width: 1022 },
  ]);
});

/** A run whose stdout is a terminal, or takes bytes. */
async function run(
  words: string[],
  { isTTY, env = {}, attributes }: { isTTY: boolean; env?: Record<string, string>; attributes?: string },
) {
  const written: Buffer[] = [];
  let stderr = '';
  const exitCode = await main(words, {
    stdin: { isTTY: true, read: async () => new Uint8Array(), ask: async () => attributes },
    stdout: { isTTY, write: (part) => void written.push(Buffer.from(part)) },
    stderr: { isTTY, write: (text) => void (stderr += Buffer.from(text).toString()) },
    env,
    signal: new AbortController().signal,
  });
  return { exitCode, stdout: Buffer.concat(written), stderr };
}

test('-o - writes the PNG into a pipe, not onto a terminal, and one only', async () => {
  const { exitCode, stdout } = await run(['view', scene, '-o', '-'], { isTTY: false });
  assert.equal(exitCode, 0);
  assert.equal((await decodeFile(stdout)).width, 80);
  assert.equal((await run(['view', scene, '-o', '-'], { isTTY: true })).exitCode, 2);
  const several = await run(['view', scene, scene, '-o', '-'], { isTTY: false });
  assert.deepEqual([several.exitCode, several.stdout.length], [2, 0]);
  assert.match(several.stderr, /-o -: several pictures, expected one/);
});

test('a terminal that shows pictures shows it, another says where to write', async () => {
  const kitty = await run(['view', scene], { isTTY: true, env: { TERM: 'xterm-kitty' } });
  assert.equal(kitty.exitCode, 0);
  assert.ok(kitty.stdout.toString('latin1').startsWith('\u001B_Ga=T,f=100'));
  const asked = await run(['view', scene], { isTTY: true, attributes: '\u001B[?62;4;22c' });
  assert.ok(asked.stdout.toString('latin1').startsWith('\u001BP0;1q"1;1;80;48'));
  const forced = await run(['view', scene, '--inline', 'sixel'], { isTTY: true });
  assert.ok(forced.stdout.toString('latin1').startsWith('\u001BP0;1q"1;1;80;48'));
  for (const isTTY of [true, false]) {
    const plain = await run(['view', scene], { isTTY, env: isTTY ? {} : { TERM: 'xterm-kitty' } });
    assert.deepEqual([plain.exitCode, plain.stdout.length], [2, 0]);
    assert.match(plain.stderr, /-o was not given\nhint: write it with -o seen\.png/);
  }
});

for (const [what, { words, exitCode, says }] of Object.entries({
  'a name that is no PNG': { words: [scene, '-o', 'x.jpg'], exitCode: 2, says: /-o x\.jpg: PNG is written/ },
  'a missing picture': { words: ['nowhere.png', '-o', 'x.png'], exitCode: 3, says: /nowhere\.png: no such file/ },
  'a text': {
    words: ['what is this', '-o', 'x.png'],
    exitCode: 3,
    says: /what is this: no such file, expected a picture/,
  },
  'no picture at all': { words: ['-o', 'x.png'], exitCode: 2, says: /missing required argument 'images'/ },
})) {
  test(`${what} is refused by view`, async () => {
    const refused = await cli(['view', ...words]);
    assert.match(refused.stderr, says);
    assert.deepEqual([refused.exitCode, refused.stdout], [exitCode, '']);
  });
}
