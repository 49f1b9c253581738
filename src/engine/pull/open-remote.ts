import { PixtralError } from '../../base/errors.ts';
import { findSnapshot, hubCacheFolder } from '../../hub/hub-cache.ts';
import { type HubName, parseHubName, shortNames } from '../../hub/hub-name.ts';
import { openHubRemote } from '../../hub/hub-remote.ts';
import { type Http, openHttp } from '../../hub/http.ts';
import { rateLimit } from '../../hub/rate-limit.ts';
import { hubToken } from '../../hub/token.ts';
import type { PullOptions, Pulled, Seeding } from './options.ts';
import { pull, pullSnapshot } from './pull.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How what was named is reached. */
export interface ReachOptions {
  env: Environment;
  tokenFile: string | undefined;
  /** Bytes a second. */
  limitRate: number | undefined;
  stallMilliseconds: number;
  backoffMilliseconds: number;
  /** For torrents: the distributed hash table, with its first nodes; false: trackers alone. */
  dht: { bootstrap: string[] | undefined } | false;
  /** Repositories of the Hub that hold what a torrent holds, by infohash; undefined: those that are known. */
  publications?: Readonly<Record<string, string>> | undefined;
}

const usualEndpoint = 'https://huggingface.co';

/**
 * Installs what a user named: from the Hub's cache where it is there, else over the network.
 * @throws PixtralError as `pull`; `usage` for what names nothing
 */
export async function pullNamed(
  what: string,
  {
    reach,
    options,
    keep,
    seeding,
  }: { reach: ReachOptions; options: Omit<PullOptions, 'keep'>; keep: boolean; seeding: Seeding | undefined },
): Promise<Pulled> {
  const { env } = reach;
  const endpoint = hubEndpoint(env);
  if (isTorrent(what)) {
    const { pullTorrent } = await import('./pull-torrent.ts');
    const torrentPull = { reach, options, endpoint, isOffline: isOffline(env), keeps: keep, seeding };
    return withHttp({ reach, options }, (http) => pullTorrent(what, { ...torrentPull, http }));
  }
  if (seeding) throw new PixtralError('usage', `--seed: ${what} comes from the Hub, expected a torrent`);
  const name = parseHubName(what, endpoint) ?? refuse(what);
  const cache = hubCacheFolder(env);
  const pulling = { ...options, keep: keep ? { cache, revisionName: name.revision } : undefined };
  const cached = await fromCache(name, { cache, options: pulling });
  if (cached) return cached;
  requireNetwork(`${name.repo}: is not in the Hub's cache`, env);
  const token = await hubToken(reach.tokenFile, env);
  return withHttp({ reach, options }, async (http) =>
    pull(await openHubRemote(name, { endpoint, token, http, signal: options.signal }), pulling),
  );
}

/** What is opened is closed, whatever comes of it. */
async function withHttp<T>(
  { reach, options }: { reach: ReachOptions; options: Omit<PullOptions, 'keep'> },
  use: (http: Http) => Promise<T>,
): Promise<T> {
  const http = await openHttp({
    ...reach,
    connections: options.connections,
    rateLimit: reach.limitRate === undefined ? undefined : rateLimit(reach.limitRate),
    userAgent: options.convertedBy.replace(' ', '/'),
    onRetry: options.onNote,
  });
  try {
    return await use(http);
  } finally {
    await http.close();
  }
}

function requireNetwork(what: string, env: Environment): void {
  if (!isOffline(env)) return;
  throw new PixtralError('machine', `${what}, and HF_HUB_OFFLINE forbids the network`, {
    hint: 'unset HF_HUB_OFFLINE, or fetch the weights into the cache elsewhere',
  });
}

/** A magnet, a .torrent file or the address of one. */
function isTorrent(what: string): boolean {
  return what.startsWith('magnet:') || /\.torrent$/i.test(what.replace(/[?#].*$/, ''));
}

async function fromCache(
  name: HubName,
  { cache, options }: { cache: string; options: PullOptions },
): Promise<Pulled | undefined> {
  const snapshot = await findSnapshot(cache, name);
  if (!snapshot) return undefined;
  const own = name.repo.slice(name.repo.indexOf('/') + 1);
  const source = `${name.repo}${name.revision === 'main' ? '' : `@${name.revision}`}`;
  return pullSnapshot(snapshot, { source, name: own, options });
}

function hubEndpoint(env: Environment): string {
  const said = env['HF_ENDPOINT'];
  if (said === undefined || said === '') return usualEndpoint;
  if (URL.canParse(said) && /^https?:$/.test(new URL(said).protocol)) return said.replace(/\/+$/, '');
  throw new PixtralError('usage', `HF_ENDPOINT: is ${said}, expected an address such as ${usualEndpoint}`);
}

function isOffline(env: Environment): boolean {
  return /^(1|true|yes|on)$/i.test(env['HF_HUB_OFFLINE'] ?? '');
}

function refuse(what: string): never {
  throw new PixtralError('usage', `${what}: is nothing that can be pulled`, {
    hint: `expected owner/name, owner/name@revision, a page of the Hub, a magnet link, a .torrent, or one of: ${Object.keys(shortNames).join(', ')}`,
  });
}

/**
 * The folder of a repository's weights in the Hub's cache, for a name that is no folder here.
 * @returns undefined when it is not there
 */
export async function cachedCheckpoint(
  what: string,
  env: Environment,
): Promise<{ folder: string; name: string } | undefined> {
  const name = parseHubName(what, hubEndpoint(env));
  const snapshot = name && (await findSnapshot(hubCacheFolder(env), name));
  return snapshot && { folder: snapshot.folder, name: name.repo.slice(name.repo.indexOf('/') + 1) };
}
