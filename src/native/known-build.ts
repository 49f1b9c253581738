import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../base/cache-folder.ts';
import { writeWhole } from '../base/files.ts';
import { packageFolder } from '../base/place.ts';
import { readWhole } from '../base/read-whole.ts';
import { driverCircumstances, traceOf } from './circumstances.ts';
import type { Build, BuildChoice, GpuBackend } from './builds.ts';

/**
 * node-llama-cpp takes a second to find out which of its builds runs here: it tries them in processes of their own.
 * Its finding is kept in the cache folder and holds as long as nothing changed that it depends on.
 */
interface Finding<T> {
  found: T;
  circumstances: string[];
}

/** What was found for this choice, if it still holds. */
export function knownBuild(choice: BuildChoice): Promise<Build | undefined> {
  return known<Build>(choice, buildCircumstances);
}

/** Keeps a finding. Without a folder to write to, the next process finds out again. */
export function keepBuild(choice: BuildChoice, build: Build): Promise<void> {
  return keep(choice, build, buildCircumstances);
}

/** The backends that could be tried, if that still holds: to ask node-llama-cpp takes half a second to load it. */
export function knownBackends(): Promise<GpuBackend[] | undefined> {
  return known<GpuBackend[]>('backends', driverCircumstances);
}

export function keepBackends(backends: GpuBackend[]): Promise<void> {
  return keep('backends', backends, driverCircumstances);
}

async function buildCircumstances({ addon }: Build): Promise<string[]> {
  return [await traceOf(addon), ...(await driverCircumstances())];
}

async function known<T>(name: string, circumstancesOf: (found: T) => Promise<string[]>): Promise<T | undefined> {
  try {
    const { found, circumstances } = JSON.parse(await readFinding(findingPath(name))) as Finding<T>;
    const now = await circumstancesOf(found);
    return circumstances.join('\n') === now.join('\n') ? found : undefined;
  } catch {
    return undefined; // none, or damaged
  }
}

async function readFinding(path: string): Promise<string> {
  return new TextDecoder().decode(await readWhole(path, { maxBytes: 2 ** 20, what: 'a finding', pipes: false }));
}

async function keep<T>(name: string, found: T, circumstancesOf: (found: T) => Promise<string[]>): Promise<void> {
  const path = findingPath(name);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const finding: Finding<T> = { found, circumstances: await circumstancesOf(found) };
    await writeWhole(path, { bytes: Buffer.from(JSON.stringify(finding)), force: true, signal: undefined });
  } catch {
    // see above
  }
}

/** Each installation has its own. */
function findingPath(name: string): string {
  const installation = createHash('sha256').update(`${packageFolder.href} ${process.arch}`).digest('hex').slice(0, 8);
  return join(cacheFolder(process.env), 'runtime', `${name}-${installation}.json`);
}
