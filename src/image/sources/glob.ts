import { type Dirent, promises, readdir } from 'node:fs';
import { isAbsolute } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { PixtralError } from '../../base/errors.ts';
import { urlName } from './url-name.ts';

/** More than these in one pattern, and a matcher that backtracks can take minutes for a single name. */
const limits = { length: 4096, stars: 8, starsInName: 4, globstars: 3, classes: 32, alternatives: 256 };

/** Braces without alternatives are no glob: `{1}` is a place for a picture. */
export function hasMagic(word: string): boolean {
  const bracket = word.indexOf('[');
  const hasClass = bracket >= 0 && word.lastIndexOf(']') > bracket + 1;
  return word.includes('*') || word.includes('?') || hasClass || alternativesIn(word) > 1;
}

/** Whether a pattern can be matched in a time that its length bounds. */
export function isSimpleGlob(pattern: string): boolean {
  const names = pattern.split('/');
  const stars = names.filter((name) => name !== '**').map((name) => countOf(name, '*'));
  return (
    pattern.length <= limits.length &&
    sum(stars) <= limits.stars &&
    stars.every((count) => count <= limits.starsInName) &&
    names.filter((name) => name === '**').length <= limits.globstars &&
    countOf(pattern, '[') <= limits.classes &&
    alternativesIn(pattern) <= limits.alternatives
  );
}

/** How far a pattern may lead: two stars at the root are a whole disk. */
export interface GlobBounds {
  /** Files and folders that are looked at. */
  entries: number;
  milliseconds: number;
}

/** Whoever types a pattern can end the search; a record's holds up all others. */
export const typedBounds: GlobBounds = { entries: 2_000_000, milliseconds: 60_000 };
export const listedBounds: GlobBounds = { entries: 200_000, milliseconds: 5000 };

/**
 * Paths of files that a simple glob matches, in no order.
 * @throws PixtralError `input` for one that leads further than its bounds
 */
export async function globPaths(pattern: string, { entries, milliseconds }: GlobBounds): Promise<string[]> {
  if (await nothingBeginsLike(pattern)) return [];
  const { glob } = await import('tinyglobby');
  const { folder, rest } = withoutFolder(process.platform === 'win32' ? pattern.replaceAll('\\', '/') : pattern);
  const ending = new AbortController();
  let left = entries;
  const options = {
    expandDirectories: false,
    extglob: false, // parentheses are part of many names: `photo (1)*.jpg`
    ...(folder !== undefined && { cwd: folder, absolute: true }),
    signal: ending.signal,
    fs: { readdir: bounded((count) => (left -= count) >= 0) },
  };
  const late = setTimeout(milliseconds, undefined, { signal: ending.signal }).catch(() => {});
  try {
    const paths = await Promise.race([glob(rest, options), late]);
    if (left < 0) throw tooFar(pattern, `over ${entries.toLocaleString('en')} files and folders`);
    if (!paths) throw tooFar(pattern, `more files and folders than can be looked at in ${milliseconds / 1000} s`);
    return paths;
  } finally {
    ending.abort();
  }
}

/** Most questions end with a sign of patterns, and that nothing here has such a name is seen without a matcher. */
async function nothingBeginsLike(pattern: string): Promise<boolean> {
  const [beginning] = /^[\p{L}\p{N}][\p{L}\p{N} ,.'’-]*(?=[?*[{])/u.exec(pattern) ?? [];
  if (beginning === undefined) return false;
  const letters = beginning.toLowerCase(); // a matcher may be less strict, never more
  const names = await promises.readdir('.').catch(() => [beginning]);
  return !names.some((name) => name.toLowerCase().startsWith(letters));
}

/** An absolute pattern's own folder: from any other one, all folders on the way to it would be looked at too. */
function withoutFolder(pattern: string): { folder: string | undefined; rest: string } {
  if (!isAbsolute(pattern)) return { folder: undefined, rest: pattern };
  const names = pattern.split('/');
  const first = names.findIndex((name) => /[*?[{(!\\]/.test(name));
  return { folder: `${names.slice(0, first).join('/')}/`, rest: names.slice(first).join('/') };
}

type Found = (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void;

/** Folders look empty as soon as too much was found. */
function bounded(take: (count: number) => boolean): typeof readdir {
  const read = (path: string, _: object, found: Found): void =>
    readdir(path, { withFileTypes: true }, (error, entries) => {
      found(error, error || !take(entries.length) ? [] : entries);
    });
  return read as typeof readdir; // the one of its forms that is called
}

function tooFar(pattern: string, reach: string): PixtralError {
  return new PixtralError('input', `${urlName(pattern)}: leads through ${reach}, expected a narrower pattern`, {
    hint: 'begin it with the folder that holds the pictures, or list them in a file: @list.txt',
  });
}

/** Ways through all braces with a comma or two dots in them; those inside others only add. */
function alternativesIn(word: string): number {
  let product = 1;
  let depth = 0;
  let here = 1;
  for (let at = 0; at < word.length; at++) {
    const sign = word[at];
    if (sign === '{') here = depth++ === 0 ? 1 : here;
    else if (sign === ',' || (sign === '.' && word[at + 1] === '.')) here += depth > 0 ? 1 : 0;
    else if (sign === '}' && depth > 0 && --depth === 0) product *= here;
  }
  return product;
}

function countOf(text: string, sign: string): number {
  return text.split(sign).length - 1;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
