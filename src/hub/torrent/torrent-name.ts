import { readFile, stat } from 'node:fs/promises';
import { PixtralError, errnoOf, reasonOf } from '../../base/errors.ts';
import { wholeBody } from '../exchange.ts';
import { type Http, httpUrl, patiently, refusePassing } from '../http.ts';
import { type TorrentName, maxTorrentBytes, parseMagnet, parseTorrentFile } from './metainfo.ts';

/**
 * A torrent by its magnet link, its .torrent file or that file's address.
 * @throws PixtralError `usage` for a magnet of another kind, `model` for a file that is missing or not sound
 */
export async function readTorrentName(
  what: string,
  { http, signal }: { http: Http; signal: AbortSignal },
): Promise<TorrentName> {
  if (what.startsWith('magnet:')) return parseMagnet(what) ?? refuseMagnet(what);
  const bytes = /^https?:/.test(what) ? await fetchTorrent(httpUrl(what), { http, signal }) : await readTorrent(what);
  return parseTorrentFile(bytes, what);
}

function refuseMagnet(what: string): never {
  throw new PixtralError('usage', `${what.slice(0, 100)}: holds no infohash of BitTorrent's first version`, {
    hint: 'expected magnet:?xt=urn:btih:, followed by 40 hexadecimal digits; quote it, since & means something to the shell',
  });
}

async function readTorrent(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > maxTorrentBytes) throw new PixtralError('model', `${path}: has ${size} bytes, expected a .torrent file`);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof PixtralError) throw cause;
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : reasonOf(cause);
    throw new PixtralError('model', `${path}: ${reason}, expected a .torrent file`, { cause });
  }
}

function fetchTorrent(url: URL, { http, signal }: { http: Http; signal: AbortSignal }): Promise<Uint8Array> {
  return patiently({ where: url.href, http, signal }, async () => {
    const response = await http.request(url, { method: 'GET', headers: {}, secret: undefined, follow: true, signal });
    refusePassing(response);
    if (response.status !== 200) {
      response.body.giveUp();
      throw new PixtralError('model', `${url.href}: the server answered ${response.status}, expected a .torrent file`);
    }
    const tooLong = () =>
      new PixtralError('model', `${url.href}: is over ${maxTorrentBytes} bytes, expected a .torrent file`);
    return wholeBody(response.body, { most: maxTorrentBytes, tooLong });
  });
}
