import { PixtralError } from '../base/errors.ts';
import { readWhole } from '../base/read-whole.ts';
import { decodeText } from '../base/text.ts';
import type { ServerAddress } from './address.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Keys that belong to one provider: they are sent nowhere else. */
const providers: Readonly<Record<string, string>> = {
  'api.mistral.ai': 'MISTRAL_API_KEY',
  'api.openai.com': 'OPENAI_API_KEY',
};

/**
 * The key for a server: of the file that was named, PIXTRAL_API_KEY, or what its provider's own programs read. It is
 * never printed, not even when it is wrong.
 * @throws PixtralError `usage` for a file that cannot be read or holds no key
 */
export async function apiKey(
  { root }: Pick<ServerAddress, 'root'>,
  { file, env }: { file: string | undefined; env: Environment },
): Promise<string | undefined> {
  if (file !== undefined) return checkedKey(await readKey(file), '--api-key');
  const own = Object.hasOwn(providers, root.hostname) ? providers[root.hostname] : undefined;
  for (const name of ['PIXTRAL_API_KEY', ...(own === undefined ? [] : [own])]) {
    const said = env[name];
    if (said !== undefined && said !== '') return checkedKey(said.trim(), name);
  }
  return undefined;
}

/** Somebody may have given the key itself: the message does not show it. */
async function readKey(path: string): Promise<string> {
  try {
    const bytes = await readWhole(path, { maxBytes: 2 ** 16, what: 'a file with an API key', pipes: true });
    return decodeText(bytes, '--api-key').trim();
  } catch (cause) {
    throw new PixtralError('usage', '--api-key: names no file that can be read, expected one that holds the key', {
      hint: 'the key itself goes into PIXTRAL_API_KEY, where the list of processes does not show it',
      cause: cause instanceof PixtralError ? undefined : cause,
    });
  }
}

/** What cannot stand in a header is no key. */
function checkedKey(key: string, where: string): string {
  if (/^[\x21-\x7e]{1,4096}$/.test(key)) return key;
  throw new PixtralError('usage', `${where}: holds no key, expected one line without blanks`);
}
