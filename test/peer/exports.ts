/**
 * Every C function that we call, looked up in the export tables of llama.cpp's libraries for all platforms: what cannot
 * be run here is at least known to be there.
 *
 *   npm run check:exports -- [version of node-llama-cpp]
 *
 * Downloads the platform packages by npm (some 700 MB) into a temporary folder, and reads ELF, PE and Mach-O with `lief`
 * (`pip install lief`; PYTHON names the interpreter).
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ggmlCpuPrototypes, ggmlPrototypes } from '../../src/native/ggml.ts';
import { type LibraryPaths, findLibraries } from '../../src/native/libraries.ts';
import { llamaPrototypes } from '../../src/native/llama.ts';
import { runtimeVersions } from '../../src/native/versions/registry.ts';

const packageFile = new URL('../../node_modules/node-llama-cpp/package.json', import.meta.url);
const installed = JSON.parse(readFileSync(packageFile, 'utf8')) as {
  version: string;
  optionalDependencies: Record<string, string>;
};
const [version = installed.version] = process.argv.slice(2);
/** `-ext` packages hold only more machine code of a backend. */
const packages = Object.keys(installed.optionalDependencies).filter((name) => !name.endsWith('-ext'));
const platforms: Readonly<Record<string, string>> = { linux: 'linux', mac: 'darwin', win: 'win32' };

const symbolsOf = (table: Record<string, readonly [string, ...unknown[]]>): string[] =>
  Object.values(table).map(([symbol]) => symbol);
const base = [...symbolsOf(ggmlPrototypes), 'ggml_is_empty', 'ggml_is_scalar'];

const reader = `
import json, sys, lief
def names(path):
    binary = lief.parse(path)
    if isinstance(binary, lief.PE.Binary): return [entry.name for entry in binary.get_export().entries]
    if isinstance(binary, lief.MachO.Binary): return [symbol.name.removeprefix('_') for symbol in binary.exported_symbols]
    return [symbol.name for symbol in binary.exported_symbols]
print(json.dumps({path: names(path) for path in sys.argv[1:]}))`;

let failures = 0;
for (const name of packages) await check(name);
process.exitCode = failures > 0 ? 1 : 0;

async function check(name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-exports-'));
  try {
    execFileSync('npm', ['pack', '--silent', `${name}@${version}`], { cwd: folder });
    execFileSync('tar', ['xzf', readdirSync(folder).find((file) => file.endsWith('.tgz'))!], { cwd: folder });
    report(name, missingIn(folder, platforms[name.split(/[/-]/)[3]!]!));
  } catch (thrown) {
    report(name, [String(thrown).split('\n')[0]!]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(name: string, missing: readonly string[]): void {
  if (missing.length > 0) failures++;
  console.log(`${name}@${version}: ${missing.length === 0 ? 'every symbol is there' : missing.join(', ')}`);
}

function missingIn(folder: string, platform: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(so|dylib|dll)$/.test(file),
  );
  const libraries = findLibraries(files, platform);
  const exported = exportsOf(
    files.filter((file) => Object.values(libraries).includes(file)),
    folder,
  );
  const found = (keys: (keyof LibraryPaths)[], symbols: readonly string[]): string[] => {
    const holders = keys.map((key) => libraries[key]).filter((file) => file !== undefined);
    return symbols
      .filter((symbol) => !holders.some((file) => exported[file]!.includes(symbol)))
      .map((symbol) => `${holders.map((file) => basename(file)).join(' and ')} without ${symbol}`);
  };
  const precision = runtimeVersions.map(({ precisionSymbol }) => found(['ggmlBase', 'ggml'], [precisionSymbol]));
  return [
    ...found(['ggmlBase', 'ggml'], base),
    ...found(['llama'], symbolsOf(llamaPrototypes)),
    ...(libraries.ggmlCpu === undefined ? [] : found(['ggmlCpu'], symbolsOf(ggmlCpuPrototypes))),
    ...(precision.some((missing) => missing.length === 0) ? [] : precision.flat()),
  ];
}

function exportsOf(files: readonly string[], folder: string): Record<string, string[]> {
  const python = process.env['PYTHON'] ?? 'python3';
  const options = { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
  return JSON.parse(execFileSync(python, ['-c', reader, ...files], options)) as Record<string, string[]>;
}
