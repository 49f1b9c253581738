import { fileURLToPath } from 'node:url';
import { PixtralError } from '../../base/errors.ts';

/** A word that means a `file:` URL, well or badly; with blanks in it, only one that begins as no text does. */
export function isFileUrl(word: string): boolean {
  return /^file:(\S+$|\/\/\/)/i.test(word);
}

/**
 * The path on this machine that a `file:` URL names, as browsers and file managers write it.
 * @throws PixtralError `input` for another machine, and for what is no path: another file would be read in silence
 */
export function filePath(word: string, platform: NodeJS.Platform): string {
  const found = problemOf(word);
  if (found !== undefined) {
    throw new PixtralError('input', `${word}: ${found}, expected file:///path of a picture on this machine`, {
      hint: 'signs of its name that mean something in a URL are written %23 for #, %3F for ?, %25 for %; or give the path itself',
    });
  }
  return fileURLToPath(word, { windows: platform === 'win32' });
}

function problemOf(word: string): string | undefined {
  if (!/^file:[/\\]/i.test(word)) return 'is relative';
  if (!URL.canParse(word)) return 'is no URL';
  const { host, search, hash, pathname } = new URL(word);
  if (host !== '') return `leads to ${host}`;
  if (search !== '' || word.includes('?')) return 'has a query';
  if (hash !== '' || word.includes('#')) return 'has a fragment that selects no pages';
  if (/%2f|%5c|%00/i.test(pathname)) return 'has an encoded slash or zero in a name';
  try {
    decodeURIComponent(pathname);
    return undefined;
  } catch {
    return 'is not percent-encoded as UTF-8';
  }
}
