import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('../scale/soak-serve.ts', import.meta.url));

/** The whole of it is npm run soak:serve. */
test('under hurried clients, SIGKILL and SIGTERM no answer is mixed up and no line of a batch lost', async () => {
  const few = ['--requests', '60', '--clients', '20', '--batch', '16', '--kills', '2', '--drawings', '6'];
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, ...few]);
  assert.match(stdout, /batch: 16 lines over 2 SIGKILLs, each once and right\nSIGTERM: /);
});
