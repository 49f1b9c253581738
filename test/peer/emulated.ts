/**
 * The package on machines that are not at hand, as far as an emulator is one: packed, installed for the other system and
 * run by the other system's build of Node. What every such machine must do stands here; a machine adds its own.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Machine {
  /** Keeps the emulator, Node and the installation for the next run. */
  folder: string;
  /** How npm calls it, for example `['--os=win32', '--cpu=x64']`. */
  target: readonly string[];
  /** The npm package that brings its Node, with the version. */
  nodePackage: string;
  /** What runs `node` with the words, without the words. */
  node: readonly string[];
  env: NodeJS.ProcessEnv;
  /** A file of this machine as the emulated one names it. */
  path: (file: string) => string;
}

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

export type Checks = Record<string, () => Promise<void> | void>;

const root = fileURLToPath(new URL('../..', import.meta.url));
export const npmFlags = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
const demo = ['--model', 'demo', '--gpu', 'off', '--temperature', '0'];
const seen = /A small green star at the top left, .*black star at the bottom right\./;
const scenes = ['0022a.png', '0018a.png'].map((name) => join(root, 'fixtures/scenes/demo', name));

export async function install({ folder, target, nodePackage }: Machine): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const forTarget = [...target, '--force', ...npmFlags];
  await mkdir(folder, { recursive: true });
  if (!existsSync(join(folder, 'node'))) {
    execFileSync('npm', ['install', '--prefix', join(folder, 'node'), ...forTarget, nodePackage]);
  }
  execFileSync('npm', ['pack', ...npmFlags, '--pack-destination', folder], { cwd: root });
  const archive = join(folder, `pixtral-${version}.tgz`);
  if (!existsSync(join(folder, 'app'))) {
    execFileSync('npm', ['install', '--prefix', join(folder, 'app'), ...forTarget, archive]);
  }
  execFileSync('tar', ['-xzf', archive, '--strip-components=1', '-C', join(folder, 'app/node_modules/pixtral')]);
}

/** Runs the common checks and the machine's own, and says of each whether it is right. */
export async function check(machine: Machine, own: Checks): Promise<void> {
  const trial = join(machine.folder, 'trial');
  await prepareTrial(machine, trial);
  console.log(`Node ${runNode(machine, ['-v']).stdout.trim()}`);
  for (const [what, verify] of Object.entries({ ...commonChecks(machine, trial), ...own })) {
    try {
      await verify();
      console.log(`right  ${what}`);
    } catch (thrown) {
      process.exitCode = 1;
      console.log(`WRONG  ${what}\n${String(thrown)}`);
    }
  }
}

function commonChecks(machine: Machine, trial: string): Checks {
  const { path } = machine;
  const succeed = (...words: readonly string[]): Ran => {
    const ran = pixtral(machine, ...words);
    assert.equal(ran.status, 0, `exit ${ran.status}\n${ran.stdout}${ran.stderr}`);
    return ran;
  };
  const ask = (picture: string): Ran => succeed('ask', ...demo, path(picture), 'what do you see?');
  const lines = (): string[] => readFileSync(join(trial, 'answers.jsonl'), 'utf8').trimEnd().split('\n');
  return {
    'ask: a path as the system writes it; no escape codes': () => {
      const { stdout, stderr } = ask(scenes[0]!);
      assert.match(stdout, seen);
      assert.ok(!(stdout + stderr).includes('\u001b'));
    },
    'ask: a path of more than 260 characters with spaces and other letters': () => {
      assert.match(ask(join(deepFolder(trial), '0022a.png')).stdout, seen);
    },
    'ask: a picture that is not there': () => {
      const missing = path('/none/there.png');
      const { status, stderr } = pixtral(machine, 'ask', ...demo, missing, 'what?');
      assert.equal(status, 3);
      assert.ok(stderr.includes(`error: ${missing}: `), stderr);
    },
    'batch: a list with CRLF, gone on with, and answers beside it': () => {
      const words = ['batch', ...demo, `@${path(join(trial, 'list.txt'))}`, '-p', 'what do you see?'];
      const out = ['-o', path(join(trial, 'answers.jsonl'))];
      succeed(...words, ...out, '--limit', '1');
      assert.equal(lines().length, 1);
      succeed(...words, ...out);
      assert.equal(lines().length, 2);
      assert.match(lines()[0]!, seen);
    },
    'batch: ids that are no file names on Windows': () => {
      const records = ['--records', path(join(trial, 'records.jsonl'))];
      succeed('batch', ...demo, ...records, '--output-dir', path(join(trial, 'texts')));
      const texts = readdirSync(join(trial, 'texts')).filter((name) => name.endsWith('.txt'));
      assert.equal(texts.length, 3);
      for (const name of texts) assert.match(readFileSync(join(trial, 'texts', name), 'utf8'), seen);
    },
    'convert: the bytes that x64 Linux writes, also over files that are there': () => {
      const convert = (checkpoint: string, out: string): string[] => [
        'convert',
        checkpoint,
        '--type',
        'q8_0',
        '--out',
        out,
      ];
      const checkpoint = join(root, 'fixtures/checkpoints/mistral');
      const here = join(trial, 'here');
      execFileSync(process.execPath, [join(root, 'bin/pixtral.cjs'), ...convert(checkpoint, here)], { stdio: 'pipe' });
      const there = convert(path(checkpoint), path(join(trial, 'there')));
      succeed(...there);
      succeed(...there, '--force');
      assert.deepEqual(hashes(join(trial, 'there')), hashes(here));
    },
    'decide: a choice, with the probabilities of x64 Linux within 0.001': () => {
      const decide = (picture: string): string[] => {
        const question = ['-q', 'black|green: which colour has the star at the top left?'];
        return ['decide', '--model', 'demo', '--gpu', 'off', picture, ...question, '--json'];
      };
      const here = execFileSync(process.execPath, [join(root, 'bin/pixtral.cjs'), ...decide(scenes[0]!)], {
        stdio: 'pipe',
        encoding: 'utf8',
      });
      const [there, expected] = [succeed(...decide(path(scenes[0]!))).stdout, here].map(probabilities);
      assert.deepEqual(Object.keys(there!), ['black', 'green']);
      for (const [option, probability] of Object.entries(expected!)) {
        assert.ok(Math.abs(there![option]! - probability) < 1e-3, `${option}: ${there![option]}, not ${probability}`);
      }
    },
  };
}

async function prepareTrial({ path }: Machine, trial: string): Promise<void> {
  await rm(trial, { recursive: true, force: true });
  const deep = deepFolder(trial);
  await mkdir(deep, { recursive: true });
  await cp(scenes[0]!, join(deep, '0022a.png'));
  await writeFile(join(trial, 'list.txt'), scenes.map((scene) => `${path(scene)}\r\n`).join(''));
  const ids = ['CON', 'nul.txt', 'a:b?c*"d|e<f>'];
  const records = ids.map((id) => ({ id, images: [path(scenes[0]!)], prompt: 'what do you see?' }));
  await writeFile(join(trial, 'records.jsonl'), records.map((record) => `${JSON.stringify(record)}\r\n`).join(''));
}

/** Deeper than the 260 characters of Windows' older calls. */
function deepFolder(trial: string): string {
  return join(trial, "Zoë's pictures", ...Array.from({ length: 5 }, () => 'f'.repeat(60)));
}

function pixtral(machine: Machine, ...words: readonly string[]): Ran {
  return runNode(machine, [machine.path(join(machine.folder, 'app/node_modules/pixtral/bin/pixtral.cjs')), ...words]);
}

/** Streams are files, since Node under Wine is handed no pipes of Linux. */
function runNode({ folder, node: [command, ...before], env }: Machine, words: readonly string[]): Ran {
  const [stdout, stderr] = [join(folder, 'stdout'), join(folder, 'stderr')];
  const files = [openSync(stdout, 'w'), openSync(stderr, 'w')] as const;
  const options = { env, stdio: ['ignore' as const, ...files], timeout: 900_000 };
  const { status } = spawnSync(command!, [...before, ...words], options);
  files.forEach((file) => closeSync(file));
  return { status, stdout: readFileSync(stdout, 'utf8'), stderr: readFileSync(stderr, 'utf8') };
}

function probabilities(json: string): Record<string, number> {
  const { answers } = JSON.parse(json) as { answers: { probabilities: Record<string, number> }[] };
  return answers[0]!.probabilities;
}

function hashes(pair: string): string[] {
  const hash = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(pair, name)))
      .digest('hex');
  return ['model.gguf', 'mmproj.gguf'].map(hash);
}
