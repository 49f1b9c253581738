import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../bin/pixtral.cjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'pixtral-bin-'));
after(() => rmSync(folder, { recursive: true }));

function run(code: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

for (const version of ['18.20.8', '20.18.3', '12.22.12']) {
  test(`Node ${version} is told in one line that it is too old`, () => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
    assert.deepEqual(run(`${pretend} require(${JSON.stringify(launcher)})`), {
      status: 5,
      stdout: '',
      stderr: `error: Node ${version}: is too old, expected 20.19 or newer\nhint: https://nodejs.org has newer ones\n`,
    });
  });
}

test('a copy that was not built says how to build it', () => {
  mkdirSync(join(folder, 'bin'));
  const copy = join(folder, 'bin', 'pixtral.cjs');
  copyFileSync(launcher, copy);
  const { status, stderr } = run(`require(${JSON.stringify(copy)})`);
  assert.equal(status, 5);
  assert.match(
    stderr,
    /dist.cli.run\.js: is missing, this copy was not built\nhint: run 'npm install' and 'npm run build'/,
  );
});

test('in a folder that was removed meanwhile the program says so', { skip: process.platform === 'win32' }, () => {
  const gone = JSON.stringify(join(folder, 'gone'));
  const leave = `const fs = require('fs'); fs.mkdirSync(${gone}); process.chdir(${gone}); fs.rmdirSync(${gone});`;
  assert.deepEqual(run(`${leave} require(${JSON.stringify(launcher)})`), {
    status: 5,
    stdout: '',
    stderr: 'error: the current folder: no longer exists\nhint: cd to one that does\n',
  });
});
