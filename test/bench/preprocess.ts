/**
 * A 12-megapixel JPEG to patches, ours against mistral-common's own (decode, resize, normalise), taking turns on one
 * machine: `PYTHON=<python with mistral-common[opencv]> npm run bench:preprocess -- [picture.jpg]`. Prints every pair and the ratio of the medians.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { loadFile } from '../helpers/pictures.ts';
import { median } from './median.ts';

const rounds = 25;
const given = process.argv[2];
const folder = await mkdtemp(join(tmpdir(), 'pixtral-bench-'));
try {
  const path = given ?? join(folder, 'photo.jpg');
  const reference = await startReference(path, given ? [] : ['4000', '3000']);
  const times: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const theirs = await reference.once();
    const ours = await once(path);
    times.push({ ours, theirs });
    console.log(`round ${round + 1}: ours ${ours.toFixed(0)} ms, mistral-common ${theirs.toFixed(0)} ms`);
  }
  reference.stop();
  const ours = median(times.map((time) => time.ours));
  const theirs = median(times.map((time) => time.theirs));
  console.log(`medians of ${rounds}: ours ${ours.toFixed(1)} ms, mistral-common ${theirs.toFixed(1)} ms`);
  console.log(`ratio ${(ours / theirs).toFixed(3)}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function once(path: string): Promise<number> {
  const start = performance.now();
  await loadFile(path);
  return performance.now() - start;
}

async function startReference(path: string, size: string[]): Promise<{ once(): Promise<number>; stop(): void }> {
  const script = new URL('preprocess.py', import.meta.url).pathname;
  const child = spawn(process.env['PYTHON'] ?? 'python3', [script, path, ...size], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the reference has ended: is PYTHON an interpreter with mistral-common[opencv]?');
    return value;
  };
  await line();
  return {
    async once() {
      child.stdin.write('go\n');
      return Number(await line());
    },
    stop: () => child.stdin.end(),
  };
}
