import type { Command } from 'commander';
import { PixtralError } from '../base/errors.ts';
import { decodeText } from '../base/text.ts';
import { endsLikePicture, findSources, isNamedLikeSource, missingSource } from '../image/sources/expand.ts';
import type { Source } from '../image/sources/sources.ts';
import { urlName } from '../image/sources/url-name.ts';
import { type Chunk, type Message, asParagraphs } from '../prompt/message.ts';
import { placeImages } from '../prompt/placeholders.ts';
import type { Io } from './io.ts';

/** `-i` and `-p` as they came, in argv order. */
export type PromptParts = Chunk<string>[];

/** Arguments and options of a command that takes a prompt with images. */
export function addPromptArguments(command: Command, parts: PromptParts): Command {
  return command
    .argument('[images-and-prompt...]', 'pictures, then the prompt')
    .option('-i, --image <source>', 'a picture, whatever its name; repeatable', (image: string) => {
      parts.push({ kind: 'image', image });
      return image;
    })
    .option(
      '-p, --prompt <text>',
      'text, whatever it looks like; repeatable; {1} is the place of picture 1',
      (text) => {
        parts.push({ kind: 'text', text });
        return text;
      },
    )
    .option('-s, --system <text>', 'system prompt')
    .option('--interleave', 'pictures and texts may alternate: they stay in the order of the arguments')
    .addHelpText('after', sourcesHelp);
}

/** What a command's word for a picture may be. */
export const sourcesHelp = `
A picture is one of:
  photo.jpg            a file, told by its content; one that holds base64, a file:// URL too
  scans/               a folder's pictures, in natural order
  'scans/**/*.png'     a glob, quoted or not
  @list.txt            a list, one of these a line; # begins a comment
  https://...          fetched; also data: URIs
  -                    standard input
  clip:                the clipboard
  report.pdf#2-5       some pages or frames: #1,3 and #every=10 too`;

export interface PromptFlags {
  system?: string;
  interleave?: boolean;
}

/**
 * The conversation that the arguments ask for. Positional arguments are told apart by what they are; -i and -p keep
 * their order after them. Without any text, the prompt is read from stdin if something is piped in, and stays as it is.
 * @throws PixtralError `usage` without a prompt or with two, `input` for a picture that is not there
 */
export async function promptMessages(
  positional: readonly string[],
  {
    parts,
    flags: { system, interleave = false },
    io,
    stdin,
  }: { parts: PromptParts; flags: PromptFlags; io: Io; stdin: () => Promise<Uint8Array> },
): Promise<Message<Source>[]> {
  const words: Chunk<Source>[] = [];
  for (const word of positional) words.push(...(await chunksOf(word)));
  checkPositional(words, { parts, interleave });
  const named: Chunk<Source>[] = [];
  for (const part of parts) named.push(...(part.kind === 'text' ? [part] : await imageChunks(part.image)));
  await checkNotBlind([...words, ...named], words);
  const content = placeImages([...words, ...named], ({ name }) => name);
  const hasText = content.some(({ kind }) => kind === 'text');
  if (!hasText) content.push({ kind: 'text', text: await pipedPrompt(content, { io, stdin }) });
  const user: Message<Source> = { role: 'user', content };
  const asked = asParagraphs(user);
  return system === undefined ? asked : [{ role: 'system', content: [{ kind: 'text', text: system }] }, ...asked];
}

/** `My photo.jpg` that is not there would be asked about as a text, and the answer made up. */
async function checkNotBlind(content: readonly Chunk<Source>[], words: readonly Chunk<Source>[]): Promise<void> {
  if (content.some(({ kind }) => kind === 'image')) return;
  for (const word of words) {
    if (word.kind !== 'text' || !endsLikePicture(word.text)) continue;
    const { code, message } = missingSource(word.text);
    throw new PixtralError(code, message, { hint: 'if it is a prompt without a picture, give it with -p' });
  }
}

async function pipedPrompt(
  content: readonly Chunk<Source>[],
  { io, stdin }: { io: Io; stdin: () => Promise<Uint8Array> },
): Promise<string> {
  const stdinIsImage = content.some((chunk) => chunk.kind === 'image' && chunk.image.kind === 'stdin');
  const piped = io.stdin.isTTY || stdinIsImage ? '' : decodeText(await stdin(), 'standard input').trimEnd();
  if (piped !== '') return piped;
  throw new PixtralError('usage', 'no prompt was given', {
    hint: 'give it as an argument after the pictures, with -p, or pipe it in',
  });
}

function checkPositional(
  words: readonly Chunk<Source>[],
  { parts, interleave }: { parts: PromptParts; interleave: boolean },
): void {
  if (interleave) {
    if (words.length === 0 || parts.length === 0) return;
    throw new PixtralError('usage', '--interleave: arguments and -i or -p together have no order, expected one kind', {
      hint: 'name all pictures with -i and all texts with -p: they stay in order without --interleave',
    });
  }
  const [first, second] = words.filter((chunk) => chunk.kind === 'text');
  if (first && second) {
    throw new PixtralError('usage', `two prompts: ${quoted(first.text)} and ${quoted(second.text)}, expected one`, {
      hint: 'if one of them is a picture: it is not there, check its path, or name it with -i; if both are texts: --interleave',
    });
  }
  if (first && parts.some(({ kind }) => kind === 'text')) {
    throw new PixtralError('usage', `two prompts: ${quoted(first.text)} and one with -p, expected one`, {
      hint: 'name pictures with -i and texts with -p to interleave them',
    });
  }
}

/** What names pictures, or is named like one, is not text. */
async function chunksOf(word: string): Promise<Chunk<Source>[]> {
  if (!isNamedLikeSource(word) && !(await findSources(word))) return [{ kind: 'text', text: word }];
  return imageChunks(word);
}

async function imageChunks(word: string): Promise<Chunk<Source>[]> {
  return (await namedSources(word)).map((image) => ({ kind: 'image', image }));
}

/** The pictures of a word that has to name some. @throws PixtralError `input` when it names none */
export async function namedSources(word: string): Promise<Source[]> {
  const found = await findSources(word);
  if (!found) throw missingSource(word);
  return found;
}

function quoted(text: string): string {
  const shown = urlName(text);
  return JSON.stringify(shown.length > 40 ? `${shown.slice(0, 37)}...` : shown);
}
