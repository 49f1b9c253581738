import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../base/cache-folder.ts';
import type { Build } from './addon.ts';
import type { GpuChoice } from './native.ts';

/**
 * node-llama-cpp takes a second to find out which of its builds runs here: it tries them in processes of their own.
 * Its finding is kept in the cache folder and holds as long as nothing changed that it depends on.
 */
interface Finding {
  build: Build;
  circumstances: string[];
}

/** Where drivers leave traces; one that comes, goes or changes can make another build the best one. */
const driverTraces: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: [
    '/proc/driver/nvidia/version',
    '/dev/dri',
    '/dev/dxg',
    '/etc/vulkan/icd.d',
    '/usr/share/vulkan/icd.d',
    '/etc/ld.so.cache',
  ],
  win32: ['C:\\Windows\\System32\\nvcuda.dll', 'C:\\Windows\\System32\\vulkan-1.dll'],
};
const variables = [
  'LD_LIBRARY_PATH',
  'CUDA_VISIBLE_DEVICES',
  'VK_DRIVER_FILES',
  'VK_ICD_FILENAMES',
  'GGML_VK_VISIBLE_DEVICES',
];

/** What was found for this choice, if it still holds. */
export async function knownBuild(choice: GpuChoice): Promise<Build | undefined> {
  try {
    const { build, circumstances } = JSON.parse(await readFile(findingPath(choice), 'utf8')) as Finding;
    const now = await circumstancesOf(build);
    return circumstances.join('\n') === now.join('\n') ? build : undefined;
  } catch {
    return undefined; // none, or damaged
  }
}

/** Keeps a finding. Without a folder to write to, the next process finds out again. */
export async function keepBuild(choice: GpuChoice, build: Build): Promise<void> {
  const path = findingPath(choice);
  const beside = `${path}.${process.pid}`;
  try {
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    const finding: Finding = { build, circumstances: await circumstancesOf(build) };
    await writeFile(beside, JSON.stringify(finding), { mode: 0o600 });
    await rename(beside, path);
  } catch {
    // see above
  }
}

/** Each installation has its own. */
function findingPath(choice: GpuChoice): string {
  const installation = createHash('sha256')
    .update(`${import.meta.url} ${process.arch}`)
    .digest('hex')
    .slice(0, 8);
  return join(cacheFolder(process.env), 'runtime', `${choice}-${installation}.json`);
}

async function circumstancesOf({ addon }: Build): Promise<string[]> {
  const traces = driverTraces[process.platform] ?? [];
  return [
    await traceOf(addon),
    ...(await Promise.all(traces.map(traceOf))),
    ...variables.map((name) => process.env[name] ?? ''),
  ];
}

/** Names in a folder, the text of a kernel's file, size and time of another. */
async function traceOf(path: string): Promise<string> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return (await readdir(path)).sort().join();
    return path.startsWith('/proc/') ? (await readFile(path, 'utf8')).trim() : `${found.size} ${found.mtimeMs}`;
  } catch {
    return '';
  }
}
