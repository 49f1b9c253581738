import { mkdir, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { PixtralError } from '../base/errors.ts';
import { fileSum } from '../base/file-sum.ts';
import { bytesOnDisk, openToWrite, systemError, writeFully } from '../base/files.ts';
import type { HubName } from './hub-name.ts';
import type { Remote, RemoteFile, RemoteRange } from './remote.ts';
import { hubHome } from './token.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the Hub's own programs, llama.cpp and others keep what they fetch. */
export function hubCacheFolder(env: Environment): string {
  return env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'] || join(hubHome(env), 'hub');
}

function repoFolder(cache: string, repo: string): string {
  return join(cache, `models--${repo.replaceAll('/', '--')}`);
}

/** A revision as it stands in the cache: its files are links, which are followed. */
export interface Snapshot {
  folder: string;
  revision: string;
  /** Those that are there; a snapshot may lack some of the repository's. */
  files: RemoteFile[];
}

/** A snapshot in the cache; whether it holds all that is needed is for others to say. */
export async function findSnapshot(cache: string, { repo, revision }: HubName): Promise<Snapshot | undefined> {
  const root = repoFolder(cache, repo);
  const commit = /^[0-9a-f]{40}$/.test(revision)
    ? revision
    : await readFile(join(root, 'refs', ...revision.split('/')), 'utf8').then(
        (text) => text.trim(),
        () => undefined,
      );
  if (commit === undefined || !/^[0-9a-f]{40}$/.test(commit)) return undefined;
  const folder = join(root, 'snapshots', commit);
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) return undefined;
  const files: RemoteFile[] = [];
  for (const path of names) {
    const status = await stat(join(folder, path)).catch(() => undefined); // a link to nothing is no file
    if (status?.isFile() === true) files.push({ path, byteLength: status.size, sha256: undefined, gitId: undefined });
  }
  return { folder, revision: commit, files };
}

/** Fills the cache with what comes, as the Hub's own programs do: blobs by their sum, snapshots of links to them. */
export interface CacheWriter {
  write(range: RemoteRange, bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  /** What the disk has still to take. */
  missingBytes(): Promise<number>;
  /** Files that are whole and checked get their names. */
  finish(revisionName: string): Promise<void>;
  close(): Promise<void>;
}

const partEnd = '.pixtral-part';

export function cacheWriter(
  cache: string,
  { remote, files }: { remote: Remote; files: readonly RemoteFile[] },
): CacheWriter {
  const root = repoFolder(cache, remote.label);
  const snapshot = join(root, 'snapshots', remote.revision);
  const handles = new Map<string, Promise<FileHandle>>();
  const blobOf = ({ sha256, gitId, path }: RemoteFile): string => join(root, 'blobs', sha256 ?? gitId ?? path);

  function partOf(path: string): Promise<FileHandle> {
    const known = handles.get(path);
    if (known) return known;
    const file = files.find((one) => one.path === path)!;
    const opening = openToWrite(`${blobOf(file)}${partEnd}`);
    handles.set(path, opening);
    return opening;
  }

  async function link(file: RemoteFile): Promise<void> {
    const blob = blobOf(file);
    const path = join(snapshot, ...file.path.split('/'));
    await mkdir(dirname(path), { recursive: true });
    if (await isThere(blob)) await rm(`${blob}${partEnd}`, { force: true });
    else await nameBlob(blob, file);
    await rm(path, { force: true });
    // Without the right to make links, as on many a Windows, the Hub's own programs move the file.
    await symlink(relative(dirname(path), blob), path).catch(() => rename(blob, path));
  }

  return {
    async write({ path, start }, bytes) {
      await writeFully(await partOf(path), { path: join(root, path), position: start, bytes });
    },
    async sync() {
      for (const handle of handles.values()) await (await handle).datasync();
    },
    async missingBytes() {
      const there = await bytesOnDisk(files.flatMap((file) => [blobOf(file), `${blobOf(file)}${partEnd}`]));
      return Math.max(0, files.reduce((sum, { byteLength }) => sum + byteLength, 0) - there);
    },
    async finish(revisionName) {
      await this.close();
      for (const file of files) await link(file);
      if (revisionName === remote.revision) return;
      const ref = join(root, 'refs', ...revisionName.split('/'));
      await mkdir(dirname(ref), { recursive: true });
      await writeFile(ref, remote.revision);
    },
    async close() {
      for (const handle of handles.values()) await (await handle).close();
      handles.clear();
    },
  };
}

/** Only when it is on the disk what it was on the line: some of it may have been written long ago. */
async function nameBlob(blob: string, { path, sha256 }: RemoteFile): Promise<void> {
  const part = `${blob}${partEnd}`;
  const sum = sha256 === undefined ? undefined : await fileSum(part);
  if (sum !== sha256) {
    await rm(part, { force: true });
    throw new PixtralError('model', `${part}: sha256 is ${sum}, expected ${sha256}: it is not what was written there`, {
      hint: `run the same command again: ${path} is fetched anew; if it happens again, suspect the disk or the memory`,
    });
  }
  await rename(part, blob).catch((cause: unknown) => {
    throw systemError(blob, 'cannot write', cause);
  });
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
