import { open, readdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { PixtralError, errnoOf } from '../../base/errors.ts';
import { readWhole } from '../../base/read-whole.ts';
import { decodeText } from '../../base/text.ts';
import { type GlobBounds, globPaths, hasMagic, isSimpleGlob, listedBounds, typedBounds } from './glob.ts';
import { parseSelection, splitSelection } from './selection.ts';
import { looksLikePicture, openingBytes, pictureName } from '../formats/signatures.ts';
import { type Source, pathSource, schemeSource, unreadable } from './sources.ts';
import { urlName } from './url-name.ts';

/**
 * The picture files that a word names, in order: a file, a folder's pictures, `@list`, a glob, a URL and so on, each
 * with `#pages`. A file of just that name wins over all syntax but `-`.
 * @returns undefined for a word that names nothing
 * @throws PixtralError `usage` for bad pages, `input` for a folder or list without pictures, and for a pattern
 * that leads through too much
 */
export function findSources(word: string): Promise<Source[] | undefined> {
  return findWithin(word, typedBounds);
}

async function findWithin(word: string, bounds: GlobBounds): Promise<Source[] | undefined> {
  const found = await findPlain(word, bounds);
  const split = found ? undefined : splitSelection(word);
  if (!split) return found;
  const paged = await findPlain(split.at, bounds);
  if (!paged) return undefined;
  const selection = parseSelection(split.fragment, word);
  return paged.map((source) => ({ ...source, selection: source.selection ?? selection }));
}

/** Whether a word can hardly be anything but a source, there or not. */
export function isNamedLikeSource(word: string): boolean {
  const plain = word.replace(/#(\d|every=)[^#/\s]*$/, '');
  return /^\S+$/.test(plain) && (pictureName.test(plain) || /^@.*\.(txt|lst|list)$/i.test(plain));
}

/** Ends in a picture's name: a path with blanks in it, or a text that speaks of a picture. */
export function endsLikePicture(word: string): boolean {
  return pictureName.test(word);
}

/** What to say of a word that had to be a source and names nothing. */
export function missingSource(word: string, shown = urlName(word)): PixtralError {
  const name = shortened(shown);
  if (hasMagic(word)) {
    const reason = isSimpleGlob(word) ? 'matches no file' : 'has too many stars, brackets or braces for a pattern';
    return new PixtralError('input', `${name}: ${reason}, expected pictures`);
  }
  const path = name.replace(/^@/, '');
  return new PixtralError(
    'input',
    `${path}: no such file, expected ${path === name ? 'a picture' : 'a list of pictures'}`,
  );
}

async function findPlain(word: string, bounds: GlobBounds): Promise<Source[] | undefined> {
  if (word === '-') return [schemeSource(word)!];
  const kind = await kindOf(word);
  if (kind === 'file' || kind === 'other') return [pathSource(word)];
  if (kind === 'folder') return folderSources(word);
  const source = schemeSource(word);
  if (source) return (await isFolder(source)) ? folderSources(source.at) : [source];
  const listed = word.startsWith('@') ? await kindOf(word.slice(1)) : undefined;
  if (listed === 'file' || listed === 'other') return listSources(word.slice(1));
  return hasMagic(word) ? globSources(word, bounds) : undefined;
}

/** Longer than anything that a message should repeat. */
const maxShown = 300;

function shortened(word: string): string {
  return word.length > maxShown ? `${word.slice(0, maxShown)}...` : word;
}

/** Only a `file:` URL can lead to one. */
async function isFolder({ kind, at }: Source): Promise<boolean> {
  return kind === 'path' && (await kindOf(at)) === 'folder';
}

/** `other`: pipes, devices and sockets. */
async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | undefined> {
  if (path === '' || path.includes('\0')) return undefined;
  try {
    const status = await stat(path);
    if (status.isDirectory()) return 'folder';
    return status.isFile() ? 'file' : 'other';
  } catch (thrown) {
    // A folder that may not be searched: reading the file will say so.
    return errnoOf(thrown) === 'EACCES' ? 'file' : undefined;
  }
}

/** The pictures of one folder, by name or content; neither hidden ones nor those of folders in it. */
async function folderSources(folder: string): Promise<Source[]> {
  const entries = await readdir(folder).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  const paths: string[] = [];
  for (const entry of inNaturalOrder(entries.filter((name) => !name.startsWith('.')))) {
    const path = join(folder, entry);
    if ((await kindOf(path)) === 'file' && (pictureName.test(entry) || (await holdsPicture(path)))) paths.push(path);
  }
  if (paths.length > 0) return paths.map(pathSource);
  throw new PixtralError('input', `${folder}: is a folder without pictures, expected some`, {
    hint: `folders in it are not searched; '${join(folder, '**/*.jpg')}' does`,
  });
}

/** As people count: `page-2` before `page-10`. */
function inNaturalOrder(names: readonly string[]): string[] {
  const { compare } = new Intl.Collator('en', { numeric: true });
  return names.toSorted((a, b) => compare(a, b) || Number(a > b) - Number(a < b));
}

/** Told by its first bytes. */
export async function holdsPicture(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  try {
    if (!file) return false;
    const { buffer, bytesRead } = await file.read(new Uint8Array(openingBytes), 0, openingBytes, 0);
    return looksLikePicture(buffer.subarray(0, bytesRead));
  } finally {
    await file?.close();
  }
}

/** One source a line, relative to the list's folder; empty lines and those that begin with # are left out. */
async function listSources(list: string): Promise<Source[]> {
  const text = decodeText(await readList(list), list);
  const sources: Source[] = [];
  for (const { line, number } of listedLines(text)) {
    sources.push(...(await listedSources(line, { folder: dirname(list), where: `${list}, line ${number}` })));
  }
  if (sources.length > 0) return sources;
  throw new PixtralError('input', `${list}: is a list without pictures, expected one a line`);
}

/** Far more lines than anybody has pictures. */
export const maxListBytes = 64 * 2 ** 20;

async function readList(list: string): Promise<Uint8Array> {
  try {
    return await readWhole(list, { maxBytes: maxListBytes, what: 'a list of pictures', pipes: true });
  } catch (cause) {
    throw cause instanceof PixtralError ? cause : unreadable(list, cause);
  }
}

/** Lines of a list that name something. */
export function listedLines(text: string): { line: string; number: number }[] {
  const lines = text.split('\n').map((raw, index) => ({ line: raw.trim(), number: index + 1 }));
  return lines.filter(({ line }) => line !== '' && !line.startsWith('#'));
}

/** What a word in a list names, relative to the list's folder. @throws PixtralError `input` when it names nothing */
export async function listedSources(
  line: string,
  { folder, where }: { folder: string; where: string },
): Promise<Source[]> {
  if (line === '-' || line.startsWith('@')) {
    throw new PixtralError(
      'input',
      `${where}: ${shortened(urlName(line))}, expected neither standard input nor another list`,
    );
  }
  const source = schemeSource(line);
  const path = isAbsolute(line) || source ? line : join(folder, line);
  if ((await kindOf(source?.kind === 'path' ? source.at : path)) === 'other') {
    throw new PixtralError('input', `${where}: ${shortened(path)}: is no regular file, expected a picture`);
  }
  const found = await findWithin(path, listedBounds);
  if (found) return found;
  const shown = urlName(line);
  const { code, message } = missingSource(path, shown === line ? path : shown); // a folder before it would hide that it is a URL
  throw new PixtralError(code, `${where}: ${message}`);
}

async function globSources(pattern: string, bounds: GlobBounds): Promise<Source[] | undefined> {
  // Text with a question mark is none: looking for it would walk through folders. No name holds a zero byte.
  if (pattern.includes('\0')) return undefined;
  if (!isSimpleGlob(pattern) || (/\s/.test(pattern) && !pictureName.test(pattern))) return undefined;
  const paths = await globPaths(pattern, bounds);
  return paths.length > 0 ? inNaturalOrder(paths).map(pathSource) : undefined;
}
