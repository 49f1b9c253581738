/**
 * `pixtral batch -o` killed (SIGKILL) at random moments and resumed until it ends: each record once, with the answers of
 * an undisturbed run. npm run build && node --import tsx test/scale/batch-kills.ts [records] [kills] [parallel]
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answersIn, lengthOf, untilBytes } from '../helpers/batch-process.ts';
import { binary } from '../helpers/binary.ts';
import { convertedPair } from '../helpers/converted.ts';
import { writeRecords } from './batch-records.ts';

const [records = 1000, kills = 20, parallel = 4] = process.argv.slice(2).map(Number);

const pair = await convertedPair('mistral', 'f16');
const folder = await mkdtemp(join(tmpdir(), 'pixtral-kills-'));
try {
  const path = await writeRecords(folder, { records, pictures: 50, width: 64, height: 48 });
  const flags = ['--model', pair.folder, '--gpu', 'off', '--threads', '1', '--no-cache', '-q'];
  // Which records are in work together depends on the moment of a kill.
  const together = ['--parallel', String(parallel), '--reproducible'];
  const job = ['batch', '--records', path, ...flags, ...together, '--temperature', '0', '--max-tokens', '4'];
  const start = (out: string) => spawn(process.execPath, [binary, ...job, '-o', out], { stdio: 'inherit' });
  const whole = join(folder, 'whole.jsonl');
  assert.deepEqual(await once(start(whole), 'close'), [0, null]);
  const killed = join(folder, 'killed.jsonl');
  for (let kill = 1; kill <= kills; kill++) {
    const child = start(killed);
    // Somewhere in the next part of the file: some kills come before the first line, some within one.
    const moment = lengthOf(killed) + (Math.random() * lengthOf(whole) * 1.2) / kills;
    await untilBytes(child, { path: killed, bytes: moment });
    child.kill('SIGKILL');
    await once(child, 'close');
    const length = lengthOf(killed);
    process.stdout.write(`kill ${kill}: ${((100 * length) / lengthOf(whole)).toFixed(1)} % is written\n`);
  }
  assert.deepEqual(await once(start(killed), 'close'), [0, null]);
  assert.deepEqual(answersIn(killed), answersIn(whole));
  process.stdout.write(
    `${kills} kills: ${answersIn(killed).length} records, ${parallel} at once, each once, all answers as undisturbed\n`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
  await pair.remove();
}
