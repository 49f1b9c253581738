import { isAbsolute } from 'node:path';

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

/** Paths of files that a simple glob matches, in no order. */
export async function globPaths(pattern: string): Promise<string[]> {
  const { glob } = await import('tinyglobby');
  const slashed = process.platform === 'win32' ? pattern.replaceAll('\\', '/') : pattern;
  // Parentheses are part of many names: `photo (1)*.jpg`.
  return glob(slashed, { expandDirectories: false, extglob: false, absolute: isAbsolute(pattern) });
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
