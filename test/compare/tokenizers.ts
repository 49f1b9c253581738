/**
 * Conversations at random, with tools, thoughts and settings, laid out by us and by mistral-common, outside CI:
 *
 *   npm run compare:tokenizers -- [--python <python>] [--count 1000] [--seed 1]
 *
 * The Python (or PYTHON) needs mistral-common[opencv]==1.13.1 and jinja2. Prints each difference, and for every version how many
 * conversations were compared and how many both refuse. Exit code 1 when there is a difference.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { PixtralError } from '../../src/base/errors.ts';
import { type Chat, type Chats, chatIds } from '../helpers/chats.ts';

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string', default: process.env['PYTHON'] ?? 'python3' },
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
  },
});
const maker = fileURLToPath(new URL('../../fixtures/chats.py', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'pixtral-chats-'));
try {
  const out = join(folder, 'chats.json');
  await promisify(execFile)(flags.python, [maker, '--count', flags.count, '--seed', flags.seed, '--out', out]);
  report(JSON.parse(await readFile(out, 'utf8')) as Chats);
} finally {
  await rm(folder, { recursive: true });
}

function report({ builders, rows }: Chats): void {
  for (const version of new Set(rows.map((chat) => chat.version))) {
    const chats = rows.filter((chat) => chat.version === version);
    const different = chats.filter((chat) => isDifferent(chat, builders));
    const refused = chats.filter(({ ids }) => ids === null).length;
    console.log(`${version}: ${chats.length} conversations, ${refused} refused, ${different.length} different`);
    if (different.length > 0) process.exitCode = 1;
  }
}

function isDifferent(chat: Chat, builders: Chats['builders']): boolean {
  const { ids: expected, ...asked } = chat;
  const found = oursOrRefusal(chat, builders);
  const same = Array.isArray(found) ? JSON.stringify(found) === JSON.stringify(expected) : expected === null;
  if (!same) console.log(JSON.stringify({ asked, found, expected }));
  return !same;
}

function oursOrRefusal(chat: Chat, builders: Chats['builders']): number[] | string {
  try {
    return chatIds(chat, builders);
  } catch (thrown) {
    if (thrown instanceof PixtralError) return thrown.message;
    throw thrown;
  }
}
