import { readdir } from 'node:fs/promises';
import { chatCommands } from './commands.ts';
import { lineWords, typedPath } from './line-words.ts';
import { withHome } from './read-line.ts';

/** For Tab: commands, and paths where one is being typed. `[what it can be, what of the line it replaces]` */
export async function completions(line: string, platform: NodeJS.Platform): Promise<[string[], string]> {
  if (/^\/[a-z]*$/.test(line)) {
    const names = Object.keys(chatCommands).map((name) => `/${name} `);
    const hits = names.filter((name) => name.startsWith(line));
    if (hits.length > 0 || line === '/') return [hits, line];
  }
  const last = lineWords(line, platform).at(-1);
  const isOpen = last !== undefined && last.at + last.raw.length === line.length;
  const typed = isOpen ? last.word : '';
  const [, command] = /^\/([a-z]+)\s/.exec(line) ?? [];
  const takesPath = command !== undefined && chatCommands[command]?.isPath === true;
  if (!takesPath && !/[/\\]/.test(typed)) return [[], line];
  return [await paths(typed, platform), isOpen ? last.raw : ''];
}

/** A folder with so many names would fill the screen many times. */
const mostNames = 5000;

async function paths(typed: string, platform: NodeJS.Platform): Promise<string[]> {
  const cut = Math.max(typed.lastIndexOf('/'), platform === 'win32' ? typed.lastIndexOf('\\') : -1) + 1;
  const [folder, begun] = [typed.slice(0, cut), typed.slice(cut)];
  const entries = await readdir(withHome(folder === '' ? '.' : folder), { withFileTypes: true }).catch(() => []);
  return entries
    .slice(0, mostNames)
    .filter(({ name }) => name.startsWith(begun) && (begun.startsWith('.') || !name.startsWith('.')))
    .filter(({ name }) => !unsafe.test(name))
    .map((entry) => typedPath(folder + entry.name, platform) + (entry.isDirectory() ? '/' : ' '))
    .toSorted();
}

/** Would reach the terminal as it is. */
// oxlint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f]/;
