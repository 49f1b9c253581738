/**
 * The example of examples/ray on a Ray cluster of this machine: two workers, one of them killed in the middle; then all
 * of it killed, and the same command again; then a Parquet file asked at a server, one worker killed. Each record must be
 * answered exactly once, as `pixtral batch` alone does.
 * Installs Ray into a temporary folder, unless RAY_PYTHON names a Python that has it.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'pixtral-ray-'));
const records = join(scratch, 'records.jsonl');
const question = ['-p', 'what is on {title}?', '--model', 'demo', '--threads', '1', '--temperature', '0'];
const flags = [...question, '--max-tokens', '8', '--parallel', '1'];
const count = 40;
/** Ray's own reading, writing and checkpoint wait for a core of their own each: it is told of more than there may be. */
const withCores = [
  'import ray, runpy, sys',
  'ray.init(num_cpus=8)',
  'sys.argv = sys.argv[1:]',
  'runpy.run_path(sys.argv[0], run_name="__main__")',
].join('\n');

interface Row {
  id: string;
  text: string | null;
}

try {
  const python = process.env['RAY_PYTHON'] ?? installRay();
  writeRecords();
  const expected = new Map(alone().map(({ id, text }) => [id, text]));
  check('one worker killed', await withWorkerKilled(python), expected);
  check('all killed, the same command again', await withAllKilled(python), expected);
  check('Parquet at a server, one worker killed', await withServer(python), expected);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function installRay(): string {
  const python = join(scratch, 'venv/bin/python');
  execFileSync('python3', ['-m', 'venv', join(scratch, 'venv')]);
  execFileSync(python, ['-m', 'pip', 'install', '-q', 'ray[data]==2.60.0', 'pyarrow==26.0.1'], { stdio: 'inherit' });
  return python;
}

function writeRecords(): void {
  const folder = join(root, 'fixtures/scenes/demo');
  const scenes = readdirSync(folder).filter((name) => name.endsWith('.png'));
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify({ id: `r${at}`, images: [join(folder, scenes[at % scenes.length]!)], title: `picture ${at}` }),
  );
  writeFileSync(records, `${lines.join('\n')}\n`);
}

function alone(): Row[] {
  const words = ['bin/pixtral.cjs', 'batch', '--records', records, ...flags, '-q'];
  return execFileSync('node', words, { cwd: root, encoding: 'utf8' })
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
}

async function withServer(python: string): Promise<Row[]> {
  const parquet = join(scratch, 'records.parquet');
  const script = [
    'import sys, pyarrow.json as json, pyarrow.parquet as parquet',
    'parquet.write_table(json.read_json(sys.argv[1]), sys.argv[2])',
  ].join('\n');
  execFileSync(python, ['-c', script, records, parquet]);
  const server = spawn('node', ['bin/pixtral.cjs', 'serve', '--model', 'demo', '--port', '0', '--reproducible'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const url = await addressOf(server);
    const flags = ['-p', 'what is on {title}?', '--server', url, '--temperature', '0', '--max-tokens', '8'];
    return await withWorkerKilled(python, { answers: join(scratch, 'server'), records: parquet, flags });
  } finally {
    server.kill();
  }
}

async function addressOf(server: ChildProcess): Promise<string> {
  let said = '';
  for await (const part of server.stderr!) {
    said += String(part);
    const url = /listening on (http\S+)/.exec(said)?.[1];
    if (url !== undefined) {
      server.stderr!.resume();
      return url;
    }
  }
  throw new Error(said);
}

interface Run {
  answers: string;
  records: string;
  /** Of pixtral batch. */
  flags: readonly string[];
}

async function withWorkerKilled(
  python: string,
  { answers, ...rest }: Run = { answers: join(scratch, 'one'), records, flags },
): Promise<Row[]> {
  const run = start(python, { answers, ...rest });
  await untilWritten(run, answers);
  const worker = workers()[0]!;
  process.kill(worker, 'SIGKILL');
  await ended(run);
  return rowsOf(python, answers);
}

async function withAllKilled(python: string): Promise<Row[]> {
  const answers = join(scratch, 'all');
  const first = start(python, { answers, records, flags });
  await untilWritten(first, answers);
  process.kill(-first.pid!, 'SIGKILL');
  await once(first, 'exit');
  const before = rowsOf(python, answers).length;
  assert.ok(before > 0 && before < count, `${before} of ${count} were written when it was killed`);
  await ended(start(python, { answers, records, flags }));
  return rowsOf(python, answers);
}

function start(python: string, { answers, records: list, flags: words }: Run): ChildProcess {
  const batch = words.map((flag) => `'${flag}'`).join(' ');
  const pixtral = `node ${join(root, 'bin/pixtral.cjs')}`;
  const options = ['--workers', '2', '--rows', '4', '--pixtral', pixtral, '--batch', batch];
  const all = ['-c', withCores, join(root, 'examples/ray/pixtral_ray.py'), list, answers, ...options];
  return spawn(python, all, { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
}

async function untilWritten(run: ChildProcess, answers: string): Promise<void> {
  while (filesIn(answers).length === 0) {
    assert.equal(run.exitCode, null, 'the run has ended before it was killed');
    await sleep(20);
  }
}

async function ended(run: ChildProcess): Promise<void> {
  if (run.exitCode === null) await once(run, 'exit');
  assert.equal(run.exitCode, 0);
}

/** Ray's processes that hold a pixtral of ours. */
function workers(): number[] {
  const parents: number[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      const parent = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
      const isOurs = words[1] === join(root, 'bin/pixtral.cjs') && words.includes('--as-completed');
      if (isOurs && readFileSync(`/proc/${parent}/cmdline`, 'utf8').startsWith('ray::')) parents.push(parent);
    } catch {
      // has ended meanwhile
    }
  }
  return parents;
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.parquet'));
  } catch {
    return []; // not there yet
  }
}

function rowsOf(python: string, answers: string): Row[] {
  const script = [
    'import sys, json, pyarrow.parquet as parquet',
    'print(json.dumps(parquet.read_table(sys.argv[1]).select(["id", "text"]).to_pylist()))',
  ].join('\n');
  return JSON.parse(execFileSync(python, ['-c', script, answers], { encoding: 'utf8' })) as Row[];
}

function check(what: string, rows: readonly Row[], expected: ReadonlyMap<string, string | null>): void {
  const ids = rows.map(({ id }) => id);
  const once = new Set(ids).size === ids.length && ids.length === expected.size;
  const equal = rows.filter(({ id, text }) => expected.get(id) === text).length;
  process.stdout.write(
    `${what}: ${ids.length} rows of ${expected.size} records, ${equal} equal to pixtral batch alone\n`,
  );
  assert.ok(once && equal === expected.size, what);
}
