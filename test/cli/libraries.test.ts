import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkpointFolder, scenePath } from '../helpers/checkpoints.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';
import { imagePath } from '../helpers/corpus.ts';

const script = fileURLToPath(new URL('../../src/cli/run.ts', import.meta.url));
const blocker = fileURLToPath(new URL('../helpers/without-library.cjs', import.meta.url));

let pair: ConvertedPair;
before(async () => {
  pair = await convertedPair('mistral', 'f16');
});
after(() => pair.remove());

interface Ran {
  code: unknown;
  stdout: string;
  stderr: string;
}

/** Runs the program where native libraries whose path holds the word do not load. */
function without(library: string, words: readonly string[]): Promise<Ran> {
  const env = { ...process.env, WITHOUT_LIBRARY: library, NODE_OPTIONS: `--require ${JSON.stringify(blocker)}` };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', script, ...words], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

const picture = scenePath('a-80x48.png');
const seen = (): string => `${pair.folder}/seen.png`;
const model = (): string[] => ['--model', pair.folder, '--gpu', 'off', '--no-cache'];

for (const [library, finding, commands] of [
  [
    'koffi',
    /^error: koffi, .*: does not load: cannot open/,
    () => [
      ['ask', picture, 'x', ...model()],
      ['batch', picture, '-p', 'x', ...model()],
      ['decide', picture, '-q', 'a|b: which?', ...model()],
      ['convert', checkpointFolder('mistral'), '--type', 'f16', '--out', `${pair.folder}/again`],
    ],
  ],
  ['llama-addon', /^error: llama\.cpp: no build runs here/, () => [['ask', picture, 'x', ...model()]]],
  [
    'skia',
    /^error: .*png: its decoder ends with exit code 1 before it begins\nhint: libraries/,
    () => [
      ['ask', picture, 'x', ...model()],
      ['view', picture, '-o', seen()],
    ],
  ],
  [
    'sharp',
    /^error: .*libvips, which reads pictures: does not load: /,
    () => [['view', imagePath('frames.gif'), '-o', seen()]],
  ],
] as const) {
  test(`where ${library} does not load, what needs it says so with exit code 5`, async () => {
    for (const words of commands()) {
      const { code, stderr } = await without(library, words);
      assert.match(stderr, finding, words.join(' '));
      assert.equal(code, 5, words.join(' '));
    }
    const { code, stdout } = await without(library, ['doctor', '--gpu', 'off']);
    assert.match(stdout, /^problem: .*(does not load|no build runs|before it begins)/m);
    assert.equal(code, 1);
  });
}
