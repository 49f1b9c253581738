import { PixtralError } from '../base/errors.ts';

/** Where a server is. */
export interface ServerAddress {
  /** In messages and receipts. */
  name: string;
  /** `http://host:8000/prefix/`: routes are relative to it, `v1/` included. */
  root: URL;
  /** All goes to this socket; the host of `root` then means nothing. */
  socketPath: string | undefined;
}

const expected = 'expected an address such as http://gpu1:8000, https://api.mistral.ai/v1 or unix:/run/pixtral.sock';

/**
 * The address of a server, with or without the `/v1` at its end.
 * @throws PixtralError `usage`
 */
export function serverAddress(word: string): ServerAddress {
  const socketPath = /^unix:(?:\/\/)?(\/.+)$/.exec(word)?.[1];
  if (socketPath !== undefined) return { name: `unix:${socketPath}`, root: new URL('http://localhost/'), socketPath };
  const url = /^https?:\/\//i.test(word) && URL.canParse(word) ? new URL(word) : undefined;
  if (!url) throw new PixtralError('usage', `--server ${shown(word)}: is no address of a server, ${expected}`);
  if (url.username !== '' || url.password !== '') {
    throw new PixtralError('usage', `--server ${url.origin}: has a password in it, which would be in every receipt`, {
      hint: 'a key goes into a file (--api-key) or into PIXTRAL_API_KEY',
    });
  }
  if (url.search !== '' || url.hash !== '') {
    throw new PixtralError('usage', `--server ${url.origin}${url.pathname}: has a query or fragment, ${expected}`);
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/v1(\/chat\/completions|\/models)?$/, '');
  const root = new URL(`${url.origin}${path}/`);
  return { name: root.href.replace(/\/$/, ''), root, socketPath: undefined };
}

/** Whether what is sent there can be read on the way. */
export function isOpenToOthers({ root, socketPath }: ServerAddress): boolean {
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(root.hostname);
  return socketPath === undefined && root.protocol === 'http:' && !isLoopback;
}

/** What stands before a host may be a password, also where the scheme was forgotten. */
function shown(word: string): string {
  return JSON.stringify(/^\S*@/.test(word) ? word.replace(/^.*@/, '***@') : word);
}
