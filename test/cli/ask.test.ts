import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AskJson } from '../../src/wires/json.ts';
import { readModelFiles } from '../../src/engine/runtime/model-files.ts';
import { goldenCases, scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let pair: ConvertedPair;
let scratch: string;
before(async () => {
  pair = await convertedPair('mistral', 'f32');
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-ask-'));
});
after(async () => {
  await pair.remove();
  await rm(scratch, { recursive: true, force: true });
});

const scene = scenePath('a-80x48.png');
const ask = (...words: string[]) =>
  cli(['ask', ...words, '--model', pair.folder, '--gpu', 'off', '--max-tokens', '32']);

test('a greedy answer in JSON is the reference answer, with a receipt for the picture', async () => {
  const golden = goldenCases().find(({ name }) => name === 'one image, system')!;
  const { exitCode, stdout, stderr } = await ask(
    scene,
    'describe this',
    '--system',
    'You see pictures.',
    '--temperature',
    '0',
    '--cache-type',
    'f32',
    '--json',
  );
  assert.equal(exitCode, 0, stderr);
  const { tekken } = await readModelFiles(pair);
  const answer = JSON.parse(stdout) as AskJson & { version: number };
  assert.equal(answer.version, 1);
  assert.equal(answer.text, tekken.decode(golden.greedy));
  assert.deepEqual(answer.usage, { prompt: golden.ids.length, image: 18, completion: golden.greedy.length });
  assert.equal(answer.finish, 'length');
  assert.deepEqual(answer.images[0]!.grid, [5, 3]);
  assert.equal(stderr, '');
});

test('two pictures with -i and -p keep the order of the command line', async () => {
  const golden = goldenCases().find(({ name }) => name === 'two images')!;
  const words = ['-i', scenePath('b-48x80.png'), '-p', 'and', '-i', scenePath('c-64x64.png'), '-p', 'which is larger?'];
  const { stdout } = await ask(...words, '--temperature', '0', '--cache-type', 'f32', '--json');
  const { tekken } = await readModelFiles(pair);
  assert.equal((JSON.parse(stdout) as AskJson).text, tekken.decode(golden.greedy));
});

test('places in the prompt, and --interleave, put pictures where -i and -p would', async () => {
  const [b, c] = [scenePath('b-48x80.png'), scenePath('c-64x64.png')];
  const answers = [];
  for (const words of [
    ['-p', 'Is ', '-i', c, '-p', ' larger than ', '-i', b, '-p', '?'],
    [b, c, 'Is {2} larger than {1}?'],
    ['Is ', c, ' larger than ', b, '?', '--interleave'],
  ]) {
    const { stdout, stderr } = await ask(...words, '--temperature', '0', '--max-tokens', '4', '--json');
    assert.equal(stderr, '');
    const { text, usage, images } = JSON.parse(stdout) as AskJson;
    answers.push({ text, usage, sizes: images.map(({ width }) => width) });
  }
  assert.deepEqual(answers[0]!.sizes, [64, 48]);
  assert.deepEqual(answers[1], answers[0]);
  assert.deepEqual(answers[2], answers[0]);
});

test('a picture on stdin, and a prompt on stdin, mean the same as arguments', async () => {
  const flags = ['--model', pair.folder, '--gpu', 'off', '--max-tokens', '8', '--temperature', '0'];
  const expected = await cli(['ask', scene, 'hello', ...flags]);
  assert.equal(expected.exitCode, 0, expected.stderr);
  const picture = await cli(['ask', '-', 'hello', ...flags], { stdin: await readFile(scene) });
  const prompt = await cli(['ask', scene, ...flags], { stdin: new TextEncoder().encode('hello\n') });
  const data = await cli([
    'ask',
    `data:image/png;base64,${(await readFile(scene)).toString('base64')}`,
    'hello',
    ...flags,
  ]);
  for (const run of [picture, prompt, data]) assert.equal(run.stdout, expected.stdout);
});

test('the same seed gives the same answer', async () => {
  const words = [
    scene,
    'x',
    '--temperature',
    '1',
    '--seed',
    '7',
    '--top-k',
    '50',
    '--min-p',
    '0.01',
    '--repeat-penalty',
    '1.1',
  ];
  assert.deepEqual(await ask(...words), await ask(...words));
});

test('a stop string ends the answer before it', async () => {
  const whole = (await ask(scene, 'x', '--temperature', '0')).stdout;
  const stop = whole.slice(5, 7);
  const { stdout } = await ask(scene, 'x', '--temperature', '0', '--stop', stop, '--json');
  const answer = JSON.parse(stdout) as AskJson;
  assert.equal(answer.finish, 'stop-string');
  assert.equal(answer.text, whole.slice(0, whole.indexOf(stop)));
});

interface Refusal {
  words: () => Promise<string[]> | string[];
  exitCode: number;
  says: RegExp;
}
const broken = async (name: string, change: (path: string) => Promise<void>): Promise<string> => {
  const path = join(scratch, name);
  await copyFile(name.startsWith('mmproj') ? pair.mmproj : pair.model, path);
  await change(path);
  return path;
};
const written = async (name: string, bytes: string | Uint8Array): Promise<string> => {
  const path = join(scratch, name);
  await writeFile(path, bytes);
  return path;
};

const refusals: Record<string, Refusal> = {
  'a missing picture': { words: () => ['nowhere.png', 'x'], exitCode: 3, says: /nowhere\.png: no such file/ },
  'a text file named .png': {
    words: async () => [await written('text.png', 'this is no picture at all'), 'x'],
    exitCode: 3,
    says: /text\.png: is a text file/,
  },
  'an empty file': {
    words: async () => [await written('empty.png', ''), 'x'],
    exitCode: 3,
    says: /empty\.png: is empty/,
  },
  'a cut picture': {
    words: async () => [await written('cut.png', (await readFile(scene)).subarray(0, 3000)), 'x'],
    exitCode: 3,
    says: /cut\.png: the PNG ends before its picture does/,
  },
  'a folder without pictures': { words: () => ['src', 'x'], exitCode: 3, says: /src: is a folder without pictures/ },
  'a glob that matches nothing': { words: () => ['no*where.png', 'x'], exitCode: 3, says: /matches no file/ },
  'a missing picture with blanks in its name': {
    words: () => ['My holiday photo.jpg'],
    exitCode: 3,
    says: /My holiday photo\.jpg: no such file.*\nhint: .* -p/,
  },
  'a missing list': { words: () => ['@nowhere.txt', 'x'], exitCode: 3, says: /nowhere\.txt: no such file/ },
  'a page that is none': {
    words: () => [`${scene}#0`, 'x'],
    exitCode: 2,
    says: /count from 1, expected pages such as/,
  },
  'a page that is not there': { words: () => [`${scene}#2`, 'x'], exitCode: 3, says: /a-80x48\.png: has 1 page/ },
  'a place without a picture': { words: () => [scene, '{1} or {2}'], exitCode: 2, says: /\{2\}: there is 1 picture/ },
  'a picture without a place': {
    words: () => [scene, scenePath('b-48x80.png'), 'only {1}'],
    exitCode: 2,
    says: /picture 2 \(.*b-48x80\.png\): has no place/,
  },
  '--interleave with -i': {
    words: () => [scene, 'x', '--interleave', '-i', scene],
    exitCode: 2,
    says: /arguments and -i or -p together have no order/,
  },
  'this machine behind a URL': {
    words: () => ['http://localhost:9/x.png', 'x'],
    exitCode: 3,
    says: /leads to localhost, which is .*\nhint: --allow-private/,
  },
  'a bad picture among good ones': {
    words: async () => [scene, await written('bad.png', 'no picture'), scene, 'x'],
    exitCode: 3,
    says: /bad\.png: is a text file/,
  },
  'no prompt': { words: () => [scene], exitCode: 2, says: /no prompt/ },
  'two prompts': { words: () => [scene, 'one', 'two'], exitCode: 2, says: /two prompts/ },
  'an unknown flag': {
    words: () => [scene, 'x', '--temprature', '1'],
    exitCode: 2,
    says: /unknown option '--temprature'\n.*--temperature/,
  },
  'a value out of range': { words: () => [scene, 'x', '--top-p', '1.5'], exitCode: 2, says: /from 0 to 1/ },
  'an unknown cache type': {
    words: () => [scene, 'x', '--cache-type', 'q3'],
    exitCode: 2,
    says: /--cache-type q3: expected one of f32/,
  },
  'a context beyond the training': {
    words: () => [scene, 'x', '--context', '200000'],
    exitCode: 2,
    says: /trained for 131072/,
  },
  'a prompt longer than the context': {
    words: () => [scene, 'word '.repeat(300), '--context', '256'],
    exitCode: 3,
    says: /leave no room for an answer in a context of 256/,
  },
  'a missing model': {
    words: () => [scene, 'x', '--model', join(scratch, 'none')],
    exitCode: 4,
    says: /none: no such file or folder/,
  },
  'a checkpoint instead of a model': {
    words: () => [scene, 'x', '--model', 'fixtures/checkpoints/mistral'],
    exitCode: 4,
    says: /not converted yet\nhint: run: pixtral convert/,
  },
  'a projector instead of a model': {
    words: () => [scene, 'x', '--model', pair.mmproj, '--mmproj', pair.mmproj],
    exitCode: 4,
    says: /its architecture is clip/,
  },
  'a model instead of a projector': {
    words: () => [scene, 'x', '--mmproj', pair.model],
    exitCode: 4,
    says: /expected pixtral/,
  },
  'a cut model': {
    words: async () => [
      scene,
      'x',
      '--mmproj',
      pair.mmproj,
      '--model',
      await broken('cut.gguf', (path) => truncate(path, 400_000)),
    ],
    exitCode: 4,
    says: /cut\.gguf/,
  },
  'a cut projector': {
    words: async () => [scene, 'x', '--mmproj', await broken('mmproj-cut.gguf', (path) => truncate(path, 200_000))],
    exitCode: 4,
    says: /mmproj-cut\.gguf/,
  },
};

for (const [what, { words, exitCode, says }] of Object.entries(refusals)) {
  test(`${what} is refused in one line with exit code ${exitCode}`, async () => {
    const run = await cli(['ask', '--model', pair.folder, '--gpu', 'off', ...(await words())]);
    assert.match(run.stderr, says);
    assert.equal(run.exitCode, exitCode);
    assert.equal(run.stdout, '');
    assert.ok(run.stderr.trim().split('\n').length <= 3, run.stderr);
  });
}

test('a pair of two different models is refused', async () => {
  const other = await broken('mmproj-other.gguf', async (path) => {
    const bytes = await readFile(path);
    const at = bytes.indexOf('pixtral.pair_id') + 'pixtral.pair_id'.length + 12;
    bytes[at] = bytes[at] === 0x61 ? 0x62 : 0x61;
    await writeFile(path, bytes);
  });
  const { exitCode, stderr } = await ask(scene, 'x', '--mmproj', other);
  assert.match(stderr, /belongs to another model/);
  assert.equal(exitCode, 4);
});

test('pictures too narrow for the grid are refused by name, a single pixel is answered', async () => {
  const { createCanvas } = await import('@napi-rs/canvas');
  const narrow = await written('narrow.png', await createCanvas(20_000, 1).encode('png'));
  const pixel = await written('pixel.png', await createCanvas(1, 1).encode('png'));
  const refused = await ask(narrow, 'x');
  assert.match(refused.stderr, /narrow\.png: 20000x1 is too narrow/);
  assert.equal(refused.exitCode, 3);
  assert.equal((await ask(pixel, 'x')).exitCode, 0);
});

test('with --json an error is one JSON line on stderr', async () => {
  const { exitCode, stdout, stderr } = await cli(['ask', 'nowhere.png', 'x', '--json']);
  assert.equal(exitCode, 3);
  assert.equal(stdout, '');
  assert.deepEqual(JSON.parse(stderr), {
    version: 1,
    error: { code: 'input', message: 'nowhere.png: no such file, expected a picture' },
  });
});

test('an aborted question ends with the code of its signal', async () => {
  const controller = new AbortController();
  controller.abort(2);
  const { exitCode, stdout } = await cli(['ask', scene, 'x', '--model', pair.folder, '--gpu', 'off'], {
    signal: controller.signal,
  });
  assert.equal(exitCode, 130);
  assert.equal(stdout, '');
});
