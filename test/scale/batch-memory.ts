/**
 * Memory of `pixtral batch` after 100 and 1,000 records of one job (Linux): it must not grow with them.
 * npm run build && node --import tsx test/scale/batch-memory.ts [records] [width] [height]
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { binary } from '../helpers/binary.ts';
import { convertedPair } from '../helpers/converted.ts';
import { writeRecords } from './batch-records.ts';

const [records = 1000, width = 320, height = 240] = process.argv.slice(2).map(Number);

const pair = await convertedPair('mistral', 'f16');
const folder = await mkdtemp(join(tmpdir(), 'pixtral-memory-'));
try {
  const path = await writeRecords(folder, { records, pictures: 50, width, height });
  const flags = ['--model', pair.folder, '--gpu', 'off', '--threads', '1', '--max-tokens', '4', '--no-cache', '-q'];
  const start = performance.now();
  const child = spawn(process.execPath, [binary, 'batch', '--records', path, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('"error"')) throw new Error(line);
    lines++;
    if (lines === 10 || lines % (records / 10) === 0) report(lines, child.pid!);
  }
  process.stdout.write(`${lines} records in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
  await pair.remove();
}

function report(lines: number, pid: number): void {
  const decoders = readText(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean);
  const each = decoders.map((decoder) => `, decoder ${resident(Number(decoder))}`).join('');
  process.stdout.write(`after ${lines} records: ${resident(pid)}${each}\n`);
}

function resident(pid: number): string {
  const status = readText(`/proc/${pid}/status`);
  const megabytes = (field: string): string =>
    (Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1000).toFixed(0);
  return `${megabytes('VmRSS')} MB resident (${megabytes('RssAnon')} MB of its own)`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
