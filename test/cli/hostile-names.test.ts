import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { printable } from '../../src/output/printable.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';

/** Clears the screen, sets a title, and asks for a colour the short way: in names of files, models, records, questions. */
const hostile = '\u001b[2J\u001b]0;x\u0007\u009b31m';
let folder: string;
let picture: string;
let records: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-names-'));
  await mkdir(join(folder, 'pictures'));
  picture = join(folder, 'pictures', `a${hostile}.png`);
  await copyFile(scenePath('a-80x48.png'), picture);
  records = join(folder, 'records.jsonl');
  const lines = [
    { id: `a${hostile}`, images: [picture], prompt: 'x' },
    { id: `b${hostile}`, images: [`none${hostile}.png`] },
  ];
  await writeFile(records, lines.map((line) => JSON.stringify(line)).join('\n'));
  await writeFile(join(folder, `list${hostile}.txt`), `none${hostile}.png\n`);
});
after(() => rm(folder, { recursive: true, force: true }));

const demo = ['--model', 'demo', '--gpu', 'off'];
const few = [...demo, '--max-tokens', '2'];
const runs: readonly { words: () => string[]; code: number; env?: () => Record<string, string> }[] = [
  { words: () => ['ask', picture, 'x', ...few, '--verbose', '--timings'], code: 0 },
  { words: () => ['ask', picture, `x${hostile}`, '--json', ...few], code: 0 },
  { words: () => ['ask', `none${hostile}.png`, 'x', ...few], code: 3 },
  { words: () => ['ask', picture, 'x', '--model', `none${hostile}`], code: 4 },
  { words: () => ['ask', picture, 'x', `--none${hostile}`], code: 2 },
  { words: () => ['ask', picture, 'x', '--schema', `none${hostile}.json`, ...few], code: 3 },
  { words: () => ['ask', picture, 'x', '--server', `http://${hostile}`], code: 2 },
  { words: () => ['ask', `@${join(folder, `list${hostile}.txt`)}`, 'x', ...few], code: 3 },
  { words: () => ['batch', join(folder, 'pictures'), '-p', 'x', ...few], code: 0 },
  { words: () => ['batch', '--records', records, '-p', 'x', ...few], code: 6 },
  { words: () => ['decide', picture, '-q', 'is it red?', ...demo], code: 0 },
  { words: () => ['decide', join(folder, 'pictures'), '-q', 'is it red?', '--csv', ...demo], code: 0 },
  { words: () => ['decide', join(folder, 'pictures'), '-q', 'is it red?', '--where', 'q1>=0', ...demo], code: 0 },
  { words: () => ['models'], code: 0, env: () => ({ PIXTRAL_MODELS: join(folder, `models${hostile}`) }) },
  { words: () => ['models', 'show', `none${hostile}`], code: 4 },
  { words: () => ['view', picture, '-o', join(folder, 'seen.png')], code: 0 },
  { words: () => ['tokens', picture, `x${hostile}`, '--model', 'demo'], code: 0 },
  { words: () => ['inspect', join(folder, `none${hostile}.gguf`)], code: 4 },
  { words: () => ['inspect', picture], code: 4 },
  { words: () => ['convert', join(folder, `none${hostile}`)], code: 4 },
  { words: () => ['pull', `a${hostile}/b`], code: 2 },
  { words: () => ['chat', picture, '--model', `none${hostile}`], code: 4 },
  { words: () => ['batch', 'merge', `none${hostile}`, `none${hostile}.jsonl`], code: 3 },
  {
    words: () => [
      'batch',
      'split',
      picture,
      '-p',
      'x',
      '--for',
      'openai',
      '-m',
      'x',
      '-o',
      join(folder, `jobs${hostile}`),
    ],
    code: 0,
  },
  { words: () => ['batch', 'merge', join(folder, `jobs${hostile}`), join(folder, `list${hostile}.txt`)], code: 6 },
  { words: () => ['serve', '--model', `none${hostile}`], code: 4 },
  { words: () => ['serve', '--host', hostile, ...demo], code: 2 },
  { words: () => ['mcp', '--root', `none${hostile}`, ...demo], code: 2 },
  { words: () => ['cache', 'ls'], code: 0, env: () => ({ PIXTRAL_CACHE: join(folder, `cache${hostile}`) }) },
  { words: () => ['schema', `a: ${hostile}`], code: 2 },
  { words: () => ['bench', '--model', `none${hostile}`], code: 4 },
  { words: () => [`none${hostile}`], code: 2 },
];

for (const [index, { words, code, env }] of runs.entries()) {
  test(`no name steers a terminal: ${index}, exit code ${code}`, async () => {
    const argv = words();
    const run = await cli(argv, { isTerminal: true, env: { PIXTRAL_CACHE_SIZE: '0', ...env?.() } });
    const what = JSON.stringify({ argv, run });
    assert.equal(run.exitCode, code, what);
    assert.notEqual(run.stdout + run.stderr, '', what);
    assert.equal(printable(run.stdout), run.stdout, what);
    assert.equal(printable(run.stderr), run.stderr, what);
  });
}

/** Lines of a conversation, each in one of its own: the first mistake of lines from a pipe is the end. */
const typed: readonly { lines: () => string[]; code: number }[] = [
  { lines: () => [`what is this${hostile}?`, '/tokens', '/retry'], code: 0 },
  { lines: () => [`/image ${JSON.stringify(picture)}`, 'what is this?', '/tokens', '/drop 1'], code: 0 },
  { lines: () => [`/system be ${hostile}`, '/system', '/tokens'], code: 0 },
  { lines: () => [`/schema a${hostile}`], code: 3 },
  { lines: () => ['/schema shop, total: number', '/schema'], code: 0 },
  { lines: () => [`/image none${hostile}.png`], code: 3 },
  { lines: () => [`what is on none${hostile}.png?`], code: 3 },
  { lines: () => [`/none ${hostile}`], code: 2 },
  { lines: () => [`/drop ${hostile}`], code: 2 },
  { lines: () => ['what is this?', `/save ${join(folder, `talk${hostile}.jsonl`)}`, 'and that?'], code: 0 },
  { lines: () => [`/open ${join(folder, `none${hostile}.jsonl`)}`], code: 3 },
];

for (const [index, { lines, code }] of typed.entries()) {
  test(`no line of a conversation steers a terminal: ${index}, exit code ${code}`, async () => {
    const stdin = Buffer.from(
      lines()
        .map((line) => `${line}\n`)
        .join(''),
    );
    const words = ['chat', ...few, '--temperature', '0'];
    const run = await cli(words, { stdin, isTerminal: true, env: { PIXTRAL_CACHE_SIZE: '0', PIXTRAL_STATE: folder } });
    const what = JSON.stringify({ lines: lines(), run });
    assert.equal(run.exitCode, code, what);
    assert.notEqual(run.stdout + run.stderr, '', what);
    assert.equal(printable(run.stdout), run.stdout, what);
    assert.equal(printable(run.stderr), run.stderr, what);
  });
}

test('a message quotes no more of a long value than a person reads, and no mark that turns its direction', async () => {
  for (const words of [['ask', picture, 'x', '--threads'], ['schema'], ['inspect']]) {
    const run = await cli([...words, `a\u202e${'x'.repeat(100_000)}`]);
    assert.ok(run.exitCode >= 2 && run.stderr.length < 3000, run.stderr.slice(0, 5000));
    assert.doesNotMatch(run.stderr, /\u202e/);
  }
});

const secret = 'http://me:s3cret@127.0.0.1:9';
const mistaken: readonly (() => string[])[] = [
  () => ['ask', picture, 'x', '--model', `${secret}/a.gguf`],
  () => ['ask', picture, 'x', '--schema', `${secret}/a.json`, '--verbose', ...few],
  () => ['ask', picture, 'x', '--grammar', `${secret}/a.gbnf`, '--json', ...few],
  () => ['ask', picture, 'x', '--server', secret],
  () => ['ask', picture, 'x', '--server', secret.replace('http://', '')],
  () => ['ask', picture, 'x', '--max-tokens', secret],
  () => ['batch', '--records', `${secret}/a.jsonl`, '--verbose', ...few],
  () => ['batch', picture, '-p', 'x', '-o', `${secret}/a.jsonl`, ...few],
  () => ['decide', picture, '-q', `${secret}/q.json`, '--where', secret, ...demo],
  () => ['inspect', `${secret}/a.gguf`],
  () => ['convert', `${secret}/a`],
  () => ['models', 'show', secret],
  () => ['pull', `${secret}/a/b`],
  () => ['view', `${secret}/a.png`, '-o', join(folder, 'seen.png'), '--verbose'],
  () => ['view', `ftp://me:s3cret@h.example/a.png`],
];

for (const [index, words] of mistaken.entries()) {
  test(`a password in a URL is shown nowhere, also where no URL is taken: ${index}`, async () => {
    const run = await cli(words());
    const what = JSON.stringify({ argv: words(), run });
    assert.ok(run.exitCode >= 2, what);
    assert.doesNotMatch(run.stdout + run.stderr, /s3cret/, what);
  });
}
