import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { endsLikePicture, findSources, holdsPicture, missingSource } from '../../image/sources/expand.ts';
import { splitSelection } from '../../image/sources/selection.ts';
import { type Source, schemeSource } from '../../image/sources/sources.ts';
import { type LineWord, lineWords } from './line-words.ts';

/** What a line asks for. Sources stand where their names stood. */
export type ReadLine =
  | { kind: 'command'; name: string; rest: string }
  | { kind: 'pictures'; sources: Source[] }
  | { kind: 'question'; parts: ({ kind: 'text'; text: string } | { kind: 'source'; source: Source })[] };

interface ReadLineOptions {
  isCommand: (name: string) => boolean;
  /** Nothing is attached yet: a picture that is not there would be asked about blindly. */
  isBlind: boolean;
  platform: NodeJS.Platform;
}

/**
 * Tells a command, dropped pictures and a question apart. A line that begins with a blank is text, whatever it says.
 * @throws PixtralError `usage` for an unknown command, `input` for a picture that is not there
 */
export async function readLine(line: string, options: ReadLineOptions): Promise<ReadLine> {
  if (/^\s/.test(line)) return { kind: 'question', parts: [{ kind: 'text', text: line.trim() }] };
  const [, name, rest = ''] = /^\/([a-z]+)(?:\s+(.*))?$/s.exec(line) ?? [];
  if (name !== undefined && options.isCommand(name)) return { kind: 'command', name, rest: rest.trim() };
  const words = lineWords(line, options.platform);
  const whole = await wholeLine(line, words, options);
  if (whole) return { kind: 'pictures', sources: whole };
  if (name !== undefined) throw unknownCommand(name);
  return { kind: 'question', parts: await sentence(line, words, options) };
}

/** The pictures of words that name some each, and of a name with blanks in it. */
export async function namedPictures(text: string, platform: NodeJS.Platform): Promise<Source[]> {
  const one = await found(text);
  if (one) return one;
  const sources: Source[] = [];
  for (const { word } of lineWords(text, platform)) {
    const named = await found(word);
    if (!named) throw missingSource(word);
    sources.push(...named);
  }
  return sources;
}

/** `~` as a shell reads it. */
export function withHome(path: string): string {
  return /^~(?=$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path;
}

async function found(word: string): Promise<Source[] | undefined> {
  if (word === '-') {
    throw new PixtralError('usage', '-: standard input holds the conversation, expected the name of a picture');
  }
  return findSources(withHome(word));
}

/** A line of nothing but pictures, folders of them and URLs, as terminals paste what is dropped on them. */
async function wholeLine(
  line: string,
  words: readonly LineWord[],
  { platform }: ReadLineOptions,
): Promise<Source[] | undefined> {
  if (await isPicture(withHome(line.trim()))) return findSources(withHome(line.trim())); // blanks in its name
  const names = words.map(({ word }) => word);
  if (!names.every((name) => isUrl(name) || isPathLike(name, platform) || endsLikePicture(name))) return undefined;
  const sources: Source[] = [];
  for (const name of names) {
    const named = await found(name);
    if (named) sources.push(...named);
    else if (names.length === 1 && isMeantAsPicture(name, platform)) throw missing(name);
    else return undefined;
  }
  return sources.length > 0 ? sources : undefined;
}

async function sentence(
  line: string,
  words: readonly LineWord[],
  { isBlind, platform }: ReadLineOptions,
): Promise<Extract<ReadLine, { kind: 'question' }>['parts']> {
  const parts: Extract<ReadLine, { kind: 'question' }>['parts'] = [];
  let from = 0;
  const upTo = (end: number): void => {
    const text = line.slice(from, end).trim();
    if (text !== '') parts.push({ kind: 'text', text });
  };
  for (const one of words) {
    const named = await pictureIn(one, platform);
    if (named) {
      upTo(one.at + named.start);
      parts.push(...named.sources.map((source) => ({ kind: 'source', source }) as const));
      from = one.at + named.end;
    } else if (isMeantAsPicture(bare(one.word), platform) || (isBlind && endsLikePicture(bare(one.word)))) {
      throw missing(bare(one.word));
    }
  }
  upTo(line.length);
  return parts;
}

/** The picture that a word in a sentence names, which may have punctuation around it, and where it stands in the word. */
async function pictureIn(
  { word, raw }: LineWord,
  platform: NodeJS.Platform,
): Promise<{ sources: Source[]; start: number; end: number } | undefined> {
  for (const name of new Set([word, word.replace(closing, ''), bare(word)])) {
    if (!isPathLike(name, platform) && !endsLikePicture(splitSelection(name)?.at ?? name)) continue;
    const path = withHome(name);
    const file = (await isPicture(path)) ? path : splitSelection(path)?.at;
    if (file === undefined || !(await isPicture(schemeSource(file)?.at ?? file))) continue;
    const sources = await findSources(path);
    if (!sources) continue;
    const start = raw.startsWith(name) || word.startsWith(name) ? 0 : (opening.exec(raw)?.[0].length ?? 0);
    const end = word.endsWith(name) ? raw.length : raw.length - (closing.exec(raw)?.[0].length ?? 0);
    return { sources, start, end };
  }
  return undefined;
}

const opening = /^[([{<"'“‘]+/u;
const closing = /(?<![)\]}>"'”’.,;:!?…])[)\]}>"'”’.,;:!?…]+$/u; // a run of them is tried once

function bare(word: string): string {
  return word.replace(closing, '').replace(opening, '');
}

function isUrl(word: string): boolean {
  return schemeSource(word)?.kind === 'url' || schemeSource(word)?.kind === 'data';
}

/** Can hardly be a word of a language. */
function isPathLike(word: string, platform: NodeJS.Platform): boolean {
  return /^(\/|~\/|\.{1,2}\/|file:\/\/)/.test(word) || (platform === 'win32' && /^([a-z]:[\\/]|\\\\)/i.test(word));
}

function isMeantAsPicture(word: string, platform: NodeJS.Platform): boolean {
  const isInFolder = isPathLike(word, platform) || (word.includes('/') && !isUrl(word));
  return isInFolder && endsLikePicture(splitSelection(word)?.at ?? word);
}

async function isPicture(path: string): Promise<boolean> {
  try {
    return (
      !path.includes('\0') &&
      (await stat(path)).isFile() &&
      (endsLikePicture(basename(path)) || (await holdsPicture(path)))
    );
  } catch {
    return false;
  }
}

function missing(word: string): PixtralError {
  const { code, message } = missingSource(word);
  return new PixtralError(code, message, { hint: 'a line that begins with a blank is sent as it is, as text' });
}

function unknownCommand(name: string): PixtralError {
  return new PixtralError('usage', `/${name}: no such command`, {
    hint: '/help lists them; a line that begins with a blank is sent as it is, as text',
  });
}
