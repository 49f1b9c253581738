import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Locked {
  version: string;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const { packages } = read('../package-lock.json') as { packages: Record<string, Locked> };

test('the lock file has every optional package of every package, so that npm ci works on every platform', () => {
  let counted = 0;
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      counted++;
      assert.ok(findLocked(path, name), `${path || 'pixtral'}: ${name} is not in package-lock.json`);
    }
  }
  assert.ok(counted > 50, 'platform packages were counted');
});

test("all of llama.cpp's 14 platform packages are locked at node-llama-cpp's own version", () => {
  const { version } = packages['node_modules/node-llama-cpp']!;
  const platforms = Object.entries(packages).filter(([path]) => path.startsWith('node_modules/@node-llama-cpp/'));
  assert.deepEqual(
    platforms.map(([path]) => path.replace('node_modules/@node-llama-cpp/', '')),
    `linux-arm64 linux-armv7l linux-riscv64 linux-x64 linux-x64-cuda linux-x64-cuda-ext linux-x64-vulkan mac-arm64-metal
     mac-x64 win-arm64 win-x64 win-x64-cuda win-x64-cuda-ext win-x64-vulkan`.split(/\s+/),
  );
  for (const [path, locked] of platforms) assert.equal(locked.version, version, path);
});

test('the lock file names no registry', () => {
  for (const [path, { resolved }] of Object.entries(packages)) assert.equal(resolved, undefined, path);
});

/** As Node resolves: in the package's own folder, then in those above it. */
function findLocked(path: string, name: string): Locked | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const found = packages[`${at}${at === '' ? '' : '/'}node_modules/${name}`];
    if (found || !at.includes('node_modules/')) return found ?? packages[`node_modules/${name}`];
  }
}
