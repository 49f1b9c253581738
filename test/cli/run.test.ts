import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scenePath } from '../helpers/checkpoints.ts';
import { type ConvertedPair, convertedPair } from '../helpers/converted.ts';

let pair: ConvertedPair;
before(async () => {
  pair = await convertedPair('mistral', 'f16');
});
after(() => pair.remove());

const script = fileURLToPath(new URL('../../src/cli/run.ts', import.meta.url));

const pixtral = (...words: string[]) =>
  spawn(process.execPath, ['--import', 'tsx', script, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });

const endless = (): string[] =>
  ['ask', scenePath('a-80x48.png'), 'x'].concat(
    ['--model', pair.folder, '--gpu', 'off', '--max-tokens', '100000', '--context', '131072'],
    ['--temperature', '1', '--top-p', '1', '--seed', '3'],
  );

test('the exit code of a refused command reaches the shell', async () => {
  const [code] = await once(pixtral('ask', 'nowhere.png', 'x'), 'close');
  assert.equal(code, 3);
});

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} while the answer streams ends with ${expected}, without a crash`, async () => {
    const child = pixtral(...endless());
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    await once(child.stdout, 'data');
    child.kill(signal);
    const [code] = await once(child, 'close');
    assert.equal(code, expected, stderr);
    assert.equal(stderr, '');
  });
}

test('a reader that closes the pipe ends the answer with 141', async () => {
  const child = pixtral(...endless());
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await once(child, 'close');
  assert.equal(code, 141);
});

test('a long list of tokens arrives whole through a pipe', async () => {
  const child = pixtral(
    'tokens',
    '-p',
    'abcdefgh '.repeat(14_000),
    '--model',
    'fixtures/checkpoints/mistral',
    '--json',
  );
  let length = 0;
  let last = '';
  child.stdout.on('data', (text: Buffer) => {
    length += text.length;
    last = text.toString().at(-1)!;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  assert.ok(length > 500_000, `${length} bytes`);
  assert.equal(last, '\n');
});

test('a command that waits for what can no longer come ends with 1 and says so', async () => {
  // A request that nothing answers and nothing ends, with no socket that would keep the process alive.
  const silent = `import http from 'node:http'; import { EventEmitter } from 'node:events';
    import { syncBuiltinESMExports } from 'node:module';
    http.get = () => new EventEmitter(); syncBuiltinESMExports();`;
  const run = async (...flags: string[]): Promise<{ code: number; stderr: string }> => {
    const words = ['ask', 'http://127.0.0.1:9/a.png', 'x', '--allow-private', '--model', pair.folder, '--gpu', 'off'];
    const imports = ['tsx', `data:text/javascript,${encodeURIComponent(silent)}`].flatMap((one) => ['--import', one]);
    const child = spawn(process.execPath, [...imports, script, ...words, ...flags]);
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, stderr };
  };
  const plain = await run();
  assert.match(plain.stderr, /^error: pixtral waits for something that can no longer come: .*\n$/);
  assert.equal(plain.code, 1);
  const json = await run('--json');
  assert.equal((JSON.parse(json.stderr) as { error: { code: string } }).error.code, 'failed');
  assert.equal(json.code, 1);
});

const full = { skip: !existsSync('/dev/full') };

for (const words of [
  ['tokens', '-p', 'hello', '--model', 'fixtures/checkpoints/mistral'],
  ['--help'],
  ['man'],
  ['view', scenePath('a-80x48.png'), '-o', '-'],
]) {
  test(`${words[0]} on a full disk ends with 5 and one line`, full, async () => {
    const disk = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...words], { stdio: ['ignore', disk, 'pipe'] });
    closeSync(disk);
    let stderr = '';
    child.stderr!.on('data', (text: Buffer) => (stderr += text.toString()));
    const [code] = await once(child, 'close');
    const lines = stderr
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('hint:'));
    assert.deepEqual(lines.slice(-1), ['error: standard output: cannot be written: no space left on the disk']);
    assert.equal(code, 5, stderr);
    assert.doesNotMatch(stderr, /^ +at /m);
  });
}

test('a second Ctrl-C ends the process at once, though the first has left it busy', async () => {
  const busy = `process.on('SIGINT', () => setImmediate(() => { process.stderr.write('busy'); for (;;); }));`;
  const imports = ['tsx', `data:text/javascript,${encodeURIComponent(busy)}`].flatMap((one) => ['--import', one]);
  const child = spawn(process.execPath, [...imports, script, ...endless()], { stdio: ['ignore', 'pipe', 'pipe'] });
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  await once(child.stderr, 'data');
  child.kill('SIGINT');
  const [code, signal] = await once(child, 'close');
  assert.deepEqual([code, signal], [null, 'SIGINT']);
});
