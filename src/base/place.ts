import { existsSync } from 'node:fs';
import { extname } from 'node:path';

/** Of package.json, whatever this code was bundled into. */
export const packageFolder = folderAbove(new URL('.', import.meta.url));

/** Of a file of src that a process of its own begins with, without its ending: `native/trial-entry`. */
export function entryUrl(name: string): URL {
  const ending = extname(import.meta.url);
  return new URL(`${ending === '.ts' ? 'src' : 'dist'}/${name}${ending}`, packageFolder);
}

function folderAbove(folder: URL): URL {
  return existsSync(new URL('package.json', folder)) ? folder : folderAbove(new URL('..', folder));
}
