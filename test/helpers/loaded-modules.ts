import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { binary } from './binary.ts';

export interface LoadedModules {
  exitCode: number | null;
  stderr: string;
  /** Files of dist. */
  own: string[];
  /** Names of packages. */
  packages: string[];
  /** Modules of Node's own that ES modules import, `node:fs`. */
  builtins: string[];
}

const hooks = `import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + '\\n');
  return next(url, context);
}`;

/** Runs the built program and tells what it has loaded. */
export async function loadedModules(words: readonly string[], env: Record<string, string>): Promise<LoadedModules> {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-loaded-'));
  try {
    const paths = {
      hooks: join(folder, 'hooks.mjs'),
      register: join(folder, 'register.mjs'),
      list: join(folder, 'list'),
    };
    await writeFile(paths.hooks, hooks);
    const hooksUrl = JSON.stringify(pathToFileURL(paths.hooks).href);
    await writeFile(paths.register, `import { register } from 'node:module';\nregister(${hooksUrl});\n`);
    await writeFile(paths.list, '');
    const child = spawn(process.execPath, ['--import', pathToFileURL(paths.register).href, binary, ...words], {
      env: { ...process.env, ...env, LOADED: paths.list },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
    const loaded = (await readFile(paths.list, 'utf8')).split('\n');
    const urls = loaded.filter((url) => url.startsWith('file:'));
    const builtins = loaded.filter((url) => url.startsWith('node:'));
    const packages = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
    const own = urls.filter((url) => /\/dist\//.test(url) && !url.includes('/node_modules/'));
    return { exitCode, stderr, own, packages: [...new Set(packages)], builtins };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
