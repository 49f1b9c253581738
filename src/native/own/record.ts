import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import { systemError } from '../../base/files.ts';
import { readWhole } from '../../base/read-whole.ts';

export const buildTargets = ['cpu', 'cuda', 'vulkan'] as const;
/** What a build made here computes on. */
export type BuildTarget = (typeof buildTargets)[number];

/** What stands beside libraries that were built here: what they were made from and for. */
export interface BuildRecord {
  version: 1;
  target: BuildTarget;
  /** Of llama.cpp: `v0.4.0`, and the commit in node-llama-cpp's bundle. */
  source: string;
  commit: string;
  /** Of node-llama-cpp. */
  runtime: string;
  /** `linux-x64` */
  platform: string;
  /** The processor with its instructions. */
  machine: string;
  compiler: string;
  /** The installed `llama-addon.node` that they are loaded beside, and its size and time. */
  addon: string;
  addonTrace: string;
  /** Files in the folder. */
  files: string[];
  /** ISO date. */
  made: string;
  /** What the trial has measured. */
  speed: Speed | undefined;
}

/** Products of matrices, 10^9 operations a second on one core. */
export interface Speed {
  f16: { before: number; after: number };
  q4_k: { before: number; after: number };
}

export interface OwnBuild {
  name: string;
  folder: string;
  record: BuildRecord;
}

const recordFile = 'pixtral-build.json';
export const recordPath = (folder: string): string => join(folder, recordFile);

/** All that were built here, whatever for, the newest first. A folder without a whole record is none. */
export async function ownBuilds(folder: string): Promise<OwnBuild[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return [];
    throw systemError(folder, 'cannot read the builds', cause);
  });
  const found = await Promise.all(names.filter(isBuildName).map((name) => buildAt(folder, name)));
  return found.filter((build) => build !== undefined).sort((a, b) => (a.record.made < b.record.made ? 1 : -1));
}

/** @returns bytes that it took */
export async function removeBuild({ folder, record }: OwnBuild): Promise<number> {
  const bytes = await buildBytes(folder, record);
  try {
    await rm(folder, { recursive: true });
  } catch (cause) {
    throw systemError(folder, 'cannot remove', cause);
  }
  return bytes;
}

export async function buildBytes(folder: string, { files }: BuildRecord): Promise<number> {
  const sizes = files.map((file) =>
    stat(join(folder, file)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** `cpu-0123456789ab`: nothing that leads out of the folder. */
function isBuildName(name: string): boolean {
  return /^(cpu|cuda|vulkan)-[0-9a-f]{12}$/.test(name);
}

async function buildAt(parent: string, name: string): Promise<OwnBuild | undefined> {
  const folder = join(parent, name);
  try {
    const bytes = await readWhole(recordPath(folder), { maxBytes: 2 ** 16, what: 'a build', pipes: false });
    const record: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(record) && name.startsWith(`${record.target}-`) ? { name, folder, record } : undefined;
  } catch {
    return undefined; // none, or damaged
  }
}

const texts = ['source', 'commit', 'runtime', 'platform', 'machine', 'compiler', 'addon', 'addonTrace', 'made'];

function isRecord(value: unknown): value is BuildRecord {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const files = fields.get('files');
  return (
    fields.get('version') === 1 &&
    buildTargets.some((target) => target === fields.get('target')) &&
    texts.every((name) => typeof fields.get(name) === 'string') &&
    Array.isArray(files) &&
    files.every((file) => typeof file === 'string' && /^[\w.-]+$/.test(file)) &&
    isSpeed(fields.get('speed'))
  );
}

function isSpeed(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every(
    (pair: unknown) =>
      typeof pair === 'object' && pair !== null && Object.values(pair).every((rate) => typeof rate === 'number'),
  );
}
