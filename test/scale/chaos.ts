/**
 * `pixtral batch -o` in bad company, until it is done: it and its decoder are killed and stopped at random moments, its
 * disk fills and is emptied, its network stalls. Each record must have one answer, that of an undisturbed run.
 *
 *   npm run build && node --import tsx test/scale/chaos.ts [rounds] [records] [seed]
 *
 * Linux only; the disk is a small tmpfs where mounting is permitted, and else never full.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Random, seeded } from '../fuzz/mutate.ts';
import { answersIn } from '../helpers/batch-process.ts';
import { binary } from '../helpers/binary.ts';
import { convertedPair } from '../helpers/converted.ts';
import { writePictures } from './batch-records.ts';

const [rounds = 20, records = 1000, seed = 1] = process.argv.slice(2).map(Number);
const pictures = 50;
const urlSeconds = 3;
const diskBytes = 4 * 2 ** 20;

interface Chaos {
  random: Random;
  /** Of the disk that can be filled. */
  filler: string | undefined;
  counts: Record<string, number>;
}

/** Every fifth picture comes by the network. */
async function writeJob(port: number): Promise<string> {
  await writePictures(folder, { pictures, width: 64, height: 48 });
  const lines = Array.from({ length: records }, (_, index) => {
    const name = `noise-${index % pictures}.png`;
    const image = index % 5 === 0 ? `http://127.0.0.1:${port}/${name}` : name;
    return JSON.stringify({ id: `r${index}`, images: [image], prompt: `What is on picture ${index}?` });
  });
  const path = join(folder, 'records.jsonl');
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

function start(path: string, out: string): ChildProcess {
  const flags = ['--model', pair.folder, '--gpu', 'off', '--threads', '1', '--no-cache', '-q', '--allow-private'];
  const job = ['--url-timeout', String(urlSeconds), '--temperature', '0', '--max-tokens', '4', '--retry-failed'];
  const words = ['batch', '--records', path, ...flags, ...job, '--parallel', '4', '--reproducible', '-o', out];
  return spawn(process.execPath, [binary, ...words], { stdio: 'ignore' });
}

async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

/** Runs until a run ends with 0; the disturbances grow rarer, so that one does. */
async function disturbedRun(path: string, { out, chaos }: { out: string; chaos: Chaos }): Promise<Chaos['counts']> {
  for (let run = 1; ; run++) {
    const child = start(path, out);
    const end = ended(child);
    const state = { hasEnded: false };
    void end.finally(() => (state.hasEnded = true));
    for (let times = Math.max(0, 6 - run / 2); times > 0 && !state.hasEnded; times--) {
      await Promise.race([end, sleep(100 + chaos.random(2500))]);
      if (!state.hasEnded) await disturb(child, chaos);
    }
    const code = await end;
    if (code === 0) return chaos.counts;
    // Killed, some records failed by the network, or the disk was full: nothing else may end it.
    assert.ok(code === null || code === 5 || code === 6, `exit code ${code}`);
    assert.ok(run < 100, 'it never comes to its end');
  }
}

const disturbances: Record<string, (child: ChildProcess, chaos: Chaos) => Promise<void>> = {
  async killed(child) {
    child.kill('SIGKILL');
  },
  async 'decoder killed'(child) {
    for (const pid of childrenOf(child.pid!)) kill(pid, 'SIGKILL');
  },
  async stopped(child, { random }) {
    kill(child.pid!, 'SIGSTOP');
    await sleep(500 + random(2500));
    kill(child.pid!, 'SIGCONT');
  },
  async 'decoder stopped'(child, { random }) {
    const pids = childrenOf(child.pid!);
    for (const pid of pids) kill(pid, 'SIGSTOP');
    await sleep(500 + random(2500));
    for (const pid of pids) kill(pid, 'SIGCONT');
  },
  async 'network stalled'(_, { random }) {
    network.stalls = true;
    await sleep(500 + random(2 * urlSeconds * 1000));
    network.stalls = false;
  },
  async 'disk filled'(_, { random, filler }) {
    if (filler === undefined) return;
    await writeFile(filler, Buffer.alloc(diskBytes)).catch(() => {}); // until nothing is left
    await sleep(200 + random(1500));
    await rm(filler, { force: true });
  },
};

async function disturb(child: ChildProcess, chaos: Chaos): Promise<void> {
  const names = Object.keys(disturbances);
  const name = names[chaos.random(names.length)]!;
  chaos.counts[name] = (chaos.counts[name] ?? 0) + 1;
  await disturbances[name]!(child, chaos);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it has ended
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}

/** Lines of failures may come before; the answer comes once. */
function checkAnswers(text: string, expected: ReadonlyMap<string, string>): void {
  const lines = text.split('\n');
  assert.equal(lines.pop(), '');
  const answered = new Map<string, string>();
  for (const line of lines) {
    const { id, text: answer } = JSON.parse(line) as { id: string; text?: string };
    if (answer === undefined) continue;
    assert.ok(!answered.has(id), `${id} is answered twice`);
    answered.set(id, answer);
  }
  assert.deepEqual(answered, expected);
}

/** Gives the pictures of the folder, or nothing while the network stalls. */
async function pictureServer(state: { stalls: boolean }): Promise<Server> {
  const made = createServer((request, response) => {
    if (state.stalls) return;
    readFile(join(folder, request.url!.slice(1))).then(
      (bytes) => response.end(bytes),
      () => response.destroy(),
    );
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return made;
}

async function smallDisk(place: string): Promise<{ folder: string; canFill: boolean; remove: () => void }> {
  await mkdir(place);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', place], { stdio: 'ignore' });
  } catch {
    return { folder: place, canFill: false, remove: () => {} };
  }
  return { folder: place, canFill: true, remove: () => void execFileSync('umount', ['-l', place]) };
}

const pair = await convertedPair('mistral', 'f16');
const folder = await mkdtemp(join(tmpdir(), 'pixtral-chaos-'));
const network = { stalls: false };
const server = await pictureServer(network);
const disk = await smallDisk(join(folder, 'disk'));
try {
  const path = await writeJob((server.address() as AddressInfo).port);
  const whole = join(folder, 'whole.jsonl');
  assert.equal(await ended(start(path, whole)), 0);
  const expected = new Map(answersIn(whole).map(({ id, text }) => [id, text]));
  assert.equal(expected.size, records);
  console.log(disk.canFill ? 'the disk can be filled' : 'no disk can be mounted here: none is filled');
  for (let round = 1; round <= rounds; round++) {
    const out = join(disk.folder, 'out.jsonl');
    const chaos = {
      random: seeded(seed * 1000 + round),
      filler: disk.canFill ? join(disk.folder, 'filler') : undefined,
    };
    const counts = await disturbedRun(path, { out, chaos: { ...chaos, counts: {} } });
    checkAnswers(await readFile(out, 'utf8'), expected);
    console.log(`round ${round}: ${expected.size} records, each once, as undisturbed; ${JSON.stringify(counts)}`);
    await rm(out);
  }
} finally {
  server.closeAllConnections();
  server.close();
  disk.remove();
  await rm(folder, { recursive: true, force: true });
  await pair.remove();
}
