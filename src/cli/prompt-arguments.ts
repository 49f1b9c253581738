import { access } from 'node:fs/promises';
import type { Command } from 'commander';
import { PixtralError } from '../base/errors.ts';
import type { Chunk, Message } from '../prompt/message.ts';
import type { Io } from './io.ts';

/** `-i` and `-p` as they came, in argv order. */
export type PromptParts = Chunk<string>[];

/** Arguments and options of a command that takes a prompt with images. */
export function addPromptArguments(command: Command, parts: PromptParts): Command {
  return command
    .argument('[images-and-prompt...]', 'pictures (paths, URLs, data: URIs, - for stdin), then the prompt')
    .option('-i, --image <source>', 'a picture, whatever its name; repeatable', (image: string) => {
      parts.push({ kind: 'image', image });
      return image;
    })
    .option('-p, --prompt <text>', 'text, whatever it looks like; repeatable', (text: string) => {
      parts.push({ kind: 'text', text });
      return text;
    })
    .option('-s, --system <text>', 'system prompt');
}

/**
 * The conversation that the arguments ask for. Positional arguments are told apart by what they are; -i and -p keep
 * their order after them. Without any text, the prompt is read from stdin if something is piped in.
 * @throws PixtralError `usage` without a prompt or with two, `input` for a picture that is not there
 */
export async function promptMessages(
  positional: readonly string[],
  {
    parts,
    system,
    io,
    stdin,
  }: { parts: PromptParts; system: string | undefined; io: Io; stdin: () => Promise<Uint8Array> },
): Promise<Message<string>[]> {
  const content: Chunk<string>[] = [];
  for (const word of positional) content.push(await chunkOf(word));
  checkPositional(content, parts);
  content.push(...parts);
  const stdinIsImage = content.some((chunk) => chunk.kind === 'image' && chunk.image === '-');
  if (!content.some(({ kind }) => kind === 'text')) {
    const piped = io.stdin.isTTY || stdinIsImage ? '' : new TextDecoder().decode(await stdin()).trimEnd();
    if (piped === '') {
      throw new PixtralError('usage', 'no prompt was given', {
        hint: 'give it as an argument after the pictures, with -p, or pipe it in',
      });
    }
    content.push({ kind: 'text', text: piped });
  }
  const user: Message<string> = { role: 'user', content };
  return system === undefined ? [user] : [{ role: 'system', content: [{ kind: 'text', text: system }] }, user];
}

function checkPositional(content: readonly Chunk<string>[], parts: PromptParts): void {
  const texts = content.filter((chunk) => chunk.kind === 'text');
  const [first, second] = texts;
  if (first && second) {
    throw new PixtralError('usage', `two prompts: ${quoted(first.text)} and ${quoted(second.text)}, expected one`, {
      hint: 'if one of them is a picture: it is not there, check its path, or name it with -i',
    });
  }
  if (first && parts.some(({ kind }) => kind === 'text')) {
    throw new PixtralError('usage', `two prompts: ${quoted(first.text)} and one with -p, expected one`, {
      hint: 'name pictures with -i and texts with -p to interleave them',
    });
  }
}

const pictureName = /^\S+\.(png|apng|jpe?g|webp|gif|avif|bmp|heic|heif|tiff?|svg|ico|pdf)$/i;

/** A file that is there, a URL, a data: URI and `-` are pictures; so is what is named like one; the rest is text. */
async function chunkOf(word: string): Promise<Chunk<string>> {
  const isSource = word === '-' || /^(data:|https?:\/\/)\S+$/i.test(word);
  if (isSource || pictureName.test(word) || (await exists(word))) return { kind: 'image', image: word };
  return { kind: 'text', text: word };
}

async function exists(path: string): Promise<boolean> {
  if (path === '' || path.includes('\0')) return false;
  return access(path).then(
    () => true,
    () => false,
  );
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 37)}...` : text);
}
