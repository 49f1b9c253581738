import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The personal access token: from the file that was named, HF_TOKEN, the file HF_TOKEN_PATH, or where the Hub's own
 * programs keep it. It is never printed.
 * @throws PixtralError `usage` for a named file that cannot be read or holds no token
 */
export async function hubToken(file: string | undefined, env: Environment): Promise<string | undefined> {
  if (file !== undefined) return requireToken(await readToken(file, true), file);
  const said = env['HF_TOKEN'] || env['HUGGING_FACE_HUB_TOKEN'];
  if (said) return requireToken(said.trim(), 'HF_TOKEN');
  const path = env['HF_TOKEN_PATH'] || join(hubHome(env), 'token');
  const token = await readToken(path, false);
  return token === undefined || token === '' ? undefined : requireToken(token, path);
}

/** `~/.cache/huggingface`, or where HF_HOME or XDG_CACHE_HOME put it. */
export function hubHome(env: Environment): string {
  return env['HF_HOME'] || join(env['XDG_CACHE_HOME'] || join(home(env), '.cache'), 'huggingface');
}

function home(env: Environment): string {
  return env['HOME'] || homedir();
}

async function readToken(path: string, mustBe: boolean): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    if (!mustBe && errnoOf(cause) === 'ENOENT') return undefined;
    throw new PixtralError('usage', `${path}: cannot read the token: ${reasonOf(cause)}`, { cause });
  }
}

/** What cannot stand in a header is no token; the message does not show it. */
function requireToken(token: string | undefined, where: string): string {
  if (token !== undefined && /^[\w.~+/=-]{1,1000}$/.test(token)) return token;
  throw new PixtralError('usage', `${where}: holds no token, expected one line such as hf_...`, {
    hint: 'make one of type Read at https://huggingface.co/settings/tokens',
  });
}
