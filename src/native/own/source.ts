import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PixtralError } from '../../base/errors.ts';

/** llama.cpp's source as node-llama-cpp carries it. */
export interface Source {
  /** A git bundle of one commit. */
  bundle: string;
  /** `v0.4.0` */
  tag: string;
  commit: string;
}

/**
 * The source that the prebuilt libraries were made from.
 * @param version what they say they are
 * @throws PixtralError `machine` when it is not there or of another version: its parts would not fit the others
 */
export async function carriedSource(version: string): Promise<Source> {
  const folder = new URL('../llama/', import.meta.resolve('node-llama-cpp'));
  const bundle = fileURLToPath(new URL('gitRelease.bundle', folder));
  const hint = 'reinstall the packages (npm install)';
  let tag: string;
  let head: string;
  try {
    tag = tagIn(JSON.parse(await readFile(new URL('llama.cpp.info.json', folder), 'utf8')));
    head = (await readFile(bundle)).subarray(0, 4096).toString('latin1');
  } catch (cause) {
    throw new PixtralError('machine', `${bundle}: cannot be read, expected llama.cpp's source`, { hint, cause });
  }
  const commit = /^([0-9a-f]{40}) HEAD$/m.exec(head)?.[1];
  if (commit === undefined) throw new PixtralError('machine', `${bundle}: is no git bundle of a commit`, { hint });
  if (`v${version}`.replace(/-dev$/, '') !== tag) {
    throw new PixtralError('machine', `${bundle}: holds llama.cpp ${tag}, expected v${version} as the libraries are`, {
      hint,
    });
  }
  return { bundle, tag, commit };
}

function tagIn(information: unknown): string {
  const tag = typeof information === 'object' && information !== null && 'tag' in information ? information.tag : '';
  return String(tag);
}
