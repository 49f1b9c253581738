/**
 * The package as users get it: packed, installed globally into a fresh folder with spaces in its path, without install
 * scripts, and run under every version of Node that is supported; trimmed for the CPU after the first of them.
 *
 *   npm run build && npm run check:install -- [20 22 24 26]
 *
 * Needs 1.5 GB in the temporary folder; the versions of Node come as npm packages.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { npmFlags } from './emulated.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const [...asked] = process.argv.slice(2);
const majors = asked.length > 0 ? asked : ['20', '22', '24', '26'];
const scene = join(root, 'fixtures/scenes/demo/0022a.png');

const folder = await mkdtemp(join(tmpdir(), 'pixtral-install-'));
let failures = 0;
try {
  const prefix = join(folder, 'a path with spaces');
  const program = install(prefix);
  for (const [index, major] of majors.entries()) {
    const node = await fetchNode(major);
    expect(`Node ${major}: --version`, run(node, [program, '--version']), /^\d+\.\d+\.\d+\n$/);
    const ask = [program, 'ask', '--model', 'demo', scene, 'what do you see?', '--temperature', '0'];
    expect(
      `Node ${major}: ask`,
      run(node, ask),
      /^A small green star at the top left, .*black star at the bottom right\.\n$/,
    );
    if (index === 0) {
      expect(`Node ${major}: trim --cpu`, run(node, [program, 'trim', '--cpu']), /removed, [\d.]+ MB kept\n$/);
      console.log(`installed: ${sizeOf(prefix)}`);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;

function install(prefix: string): string {
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: root });
  const archive = join(folder, `pixtral-${version}.tgz`);
  execFileSync('npm', ['install', '--global', '--prefix', prefix, ...npmFlags, archive], { stdio: 'inherit' });
  console.log(`installed: ${sizeOf(prefix)}`);
  return join(prefix, 'lib/node_modules/pixtral/bin/pixtral.cjs');
}

function sizeOf(prefix: string): string {
  return execFileSync('du', ['-sh', prefix], { encoding: 'utf8' }).split('\t')[0]!;
}

async function fetchNode(major: string): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const releases = JSON.parse(
    execFileSync('npm', ['view', name, 'versions', '--json'], { encoding: 'utf8' }),
  ) as string[];
  const newest = releases
    .filter((release) => release.startsWith(`${major}.`))
    .sort(byNumbers)
    .at(-1)!;
  const home = join(folder, newest);
  await mkdir(home);
  execFileSync('npm', ['install', '--prefix', home, ...npmFlags, `${name}@${newest}`]);
  return join(home, 'node_modules', name, 'bin/node');
}

function byNumbers(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function run(node: string, argv: readonly string[]) {
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
  return spawnSync(node, argv, { encoding: 'utf8', cwd: folder, env });
}

function expect(what: string, { status, stdout, stderr }: ReturnType<typeof run>, answer: RegExp): void {
  const right = status === 0 && answer.test(stdout);
  if (!right) failures++;
  console.log(right ? `${what}: right` : `${what}: exit ${status}\n${stdout}${stderr}`);
}
