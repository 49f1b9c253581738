import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scenePath } from '../../helpers/checkpoints.ts';
import { type ConvertedPair, convertedPair } from '../../helpers/converted.ts';

let pair: ConvertedPair;
let folder: string;
before(async () => {
  pair = await convertedPair('mistral', 'f16');
  folder = await mkdtemp(join(tmpdir(), 'pixtral-terminal-'));
});
after(async () => {
  await pair.remove();
  await rm(folder, { recursive: true, force: true });
});

const entry = fileURLToPath(new URL('../../../src/cli/run.ts', import.meta.url));
const keys = { ctrlC: '\u0003', ctrlD: '\u0004', enter: '\r', tab: '\t', up: '\u001B[A' };
const paste = (text: string): string => `\u001B[200~${text.replaceAll('\n', '\r')}\u001B[201~`;
/** util-linux's: it runs a program at a terminal of its own. */
const hasScript =
  process.platform === 'linux' && /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString() ?? '');
const skip = hasScript ? false : 'no script(1) of util-linux here';

interface TerminalRun {
  /** Types, and waits for what the screen should say after it. */
  type(text: string, expected: RegExp): Promise<void>;
  closed: Promise<number>;
}

function chat(t: TestContext, ...words: string[]): TerminalRun {
  const settings = ['--gpu', 'off', '--threads', '1', '--model', pair.folder, '--inline', 'off'];
  const command = [process.execPath, '--import', 'tsx', entry, 'chat', ...settings, ...words];
  const quoted = command.map((word) => `'${word}'`).join(' ');
  const env = { ...process.env, PIXTRAL_CACHE_SIZE: '0', PIXTRAL_STATE: join(folder, 'state'), TERM: 'xterm' };
  const child = spawn('script', ['-qfec', quoted, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  let screen = '';
  let check = (): void => {};
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    check();
  });
  child.on('close', () => check());
  return {
    type: (text, expected) =>
      new Promise((resolve, reject) => {
        check = (): void => {
          const shown = screen.replaceAll(cursorMoves, '');
          if (expected.test(shown)) {
            screen = '';
            check = (): void => {};
            resolve();
          } else if (child.exitCode !== null) reject(new Error(`it ended; the screen said ${JSON.stringify(shown)}`));
        };
        child.stdin.write(text);
        check();
      }),
    closed: once(child, 'close').then(([code]) => code as number),
  };
}

// oxlint-disable-next-line no-control-regex
const cursorMoves = /\u001B\[[\d;]*[A-Za-z]/g;
/** This model goes round in circles. */
const endless = ['--max-tokens', '100000', '--temperature', '0'];
const brief = ['--max-tokens', '4', '--temperature', '0'];

test('Ctrl-C ends an answer, which is kept and marked; Ctrl-D ends the conversation with 0', { skip }, async (t) => {
  const terminal = chat(t, ...endless, '--context', '4096');
  await terminal.type('', /> $/);
  await terminal.type(`go on${keys.enter}`, /\?25h[^]{20}/);
  await terminal.type(keys.ctrlC, /interrupted: the answer is kept[^]*> $/);
  await terminal.type(`/tokens${keys.enter}`, /turn 1[^]*\(cut\)[^]*> $/);
  await terminal.type(keys.ctrlC, /Ctrl-D or \/exit ends the conversation[^]*> $/);
  await terminal.type(keys.ctrlD, /\n/);
  assert.equal(await terminal.closed, 0);
});

test('what is pasted is one message, however many lines it has', { skip }, async (t) => {
  const transcript = join(folder, 'pasted.jsonl');
  const terminal = chat(t, ...brief, '--transcript', transcript);
  await terminal.type('', /> $/);
  await terminal.type(paste('one\n\ttwo\n/exit'), /one␊␉two␊\/exit/);
  await terminal.type(keys.enter, /\n[^]*> $/);
  await terminal.type(keys.ctrlD, /\n/);
  assert.equal(await terminal.closed, 0);
  const { body } = JSON.parse(await readFile(transcript, 'utf8')) as { body: { messages: { content: unknown }[] } };
  assert.deepEqual(body.messages[0]!.content, [{ type: 'text', text: 'one\n\ttwo\n/exit' }]);
});

test('Tab completes commands and paths; the next conversation remembers the line', { skip }, async (t) => {
  await copyFile(scenePath('a-80x48.png'), join(folder, 'one picture.png'));
  const terminal = chat(t, ...brief);
  await terminal.type('', /> $/);
  await terminal.type(`/im`, /\/im/);
  await terminal.type(keys.tab, /age /);
  await terminal.type(`${folder}/one`, /\/one/);
  await terminal.type(keys.tab, /\\ picture\.png /);
  await terminal.type(keys.enter, /attached 1: [^]*one picture\.png[^]*> $/);
  await terminal.type(`/exit${keys.enter}`, /\n/);
  assert.equal(await terminal.closed, 0);
  const { mode } = await stat(join(folder, 'state', 'chat-history.jsonl'));
  assert.equal(mode & 0o077, 0);
  const next = chat(t, ...brief);
  await next.type('', /> $/);
  await next.type(keys.up, /\/exit/);
  await next.type(keys.up, /\/image [^]*one\\ picture\.png/);
  await next.type(keys.ctrlC, /\^C[^]*> $/);
  await next.type(keys.ctrlD, /\n/);
  assert.equal(await next.closed, 0);
});

test(
  'what is typed while an answer comes is there afterwards; a mistake is told and costs nothing',
  { skip },
  async (t) => {
    const terminal = chat(t, ...brief);
    await terminal.type('', /> $/);
    await terminal.type(`hello${keys.enter}/nope${keys.enter}`, /\/nope: no such command[^]*> $/);
    await terminal.type(`/tokens${keys.enter}`, /turn 1[^]*hello[^]*> $/);
    await terminal.type(keys.ctrlD, /\n/);
    assert.equal(await terminal.closed, 0);
  },
);
