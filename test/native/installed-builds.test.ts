import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type BuildNeeds, installedBuilds, needlessness, removeBuild } from '../../src/native/installed-builds.ts';

const names = [
  'linux-arm64',
  'linux-armv7l',
  'linux-riscv64',
  'linux-x64',
  'linux-x64-cuda',
  'linux-x64-cuda-ext',
  'linux-x64-vulkan',
  'mac-arm64-metal',
  'mac-x64',
  'win-arm64',
  'win-x64',
  'win-x64-cuda',
  'win-x64-cuda-ext',
  'win-x64-vulkan',
  'something-new',
];
const machines: [needs: BuildNeeds, kept: string[]][] = [
  [{ platform: 'linux', arch: 'x64', backends: undefined }, ['linux-x64']],
  [{ platform: 'linux', arch: 'x64', backends: [] }, ['linux-x64']],
  [{ platform: 'linux', arch: 'x64', backends: ['vulkan'] }, ['linux-x64', 'linux-x64-vulkan']],
  [
    { platform: 'linux', arch: 'x64', backends: ['cuda', 'vulkan'] },
    ['linux-x64', 'linux-x64-cuda', 'linux-x64-cuda-ext', 'linux-x64-vulkan'],
  ],
  [{ platform: 'linux', arch: 'arm64', backends: ['vulkan'] }, ['linux-arm64']],
  [{ platform: 'linux', arch: 'arm', backends: [] }, ['linux-armv7l']],
  [{ platform: 'linux', arch: 'riscv64', backends: [] }, ['linux-riscv64']],
  [{ platform: 'darwin', arch: 'arm64', backends: undefined }, ['mac-arm64-metal']],
  [{ platform: 'darwin', arch: 'x64', backends: [] }, ['mac-x64']],
  [{ platform: 'win32', arch: 'x64', backends: ['cuda'] }, ['win-x64', 'win-x64-cuda', 'win-x64-cuda-ext']],
  [{ platform: 'win32', arch: 'arm64', backends: [] }, ['win-arm64']],
];

for (const [needs, kept] of machines) {
  const gpus = needs.backends?.join(' and ') ?? 'no GPU wanted';
  test(`what ${needs.platform} on ${needs.arch} needs of llama.cpp's builds with ${gpus || 'no driver'}`, () => {
    const needed = names.filter((name) => needlessness(name, needs) === undefined);
    assert.deepEqual(needed, [...kept, 'something-new']);
  });
}

test('builds are measured and removed where they lie, be they linked to or not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-trim-'));
  const packages = join(folder, 'packages');
  const shared = join(folder, 'shared');
  await mkdir(join(packages, 'linux-x64', 'bins'), { recursive: true });
  await mkdir(join(shared, 'cuda'), { recursive: true });
  await writeFile(join(packages, 'linux-x64', 'bins', 'a'), Buffer.alloc(10));
  await writeFile(join(shared, 'cuda', 'b'), Buffer.alloc(30));
  await symlink(join(shared, 'cuda'), join(packages, 'linux-x64-cuda'), 'dir');
  const builds = await installedBuilds(packages);
  assert.deepEqual(
    builds.map(({ name, bytes }) => [name, bytes]),
    [
      ['linux-x64-cuda', 30],
      ['linux-x64', 10],
    ],
  );
  await removeBuild(builds[0]!, packages);
  assert.deepEqual(await readdir(packages), ['linux-x64']);
  assert.deepEqual(await readdir(shared), []);
  assert.deepEqual(await installedBuilds(join(folder, 'none')), []);
});
