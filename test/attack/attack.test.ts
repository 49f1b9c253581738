import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** A few of each; `npm run attack:...` makes as many as wanted. */
for (const [name, count] of [
  ['pictures', 60],
  ['records', 4],
  ['schemas', 40],
  ['serve', 40],
  ['servers', 20],
  ['hub', 10],
  ['mcp', 30],
  ['chat', 10],
  ['torrents', 200],
  ['peers', 10],
  ['words', 40],
] as const) {
  test(`${count} attempts with ${name} find nothing that crashes, hangs, or is no error of ours`, async () => {
    const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
    const words = ['--import', 'tsx', script, '--count', String(count), '--seed', '20', '--patience', '300'];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    const [code] = await once(child, 'close');
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`^${count} attempts, seed 20: \\d+ answered, \\d+ refused, 0 found`, 'm'));
  });
}
