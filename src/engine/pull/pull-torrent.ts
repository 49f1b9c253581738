import { join } from 'node:path';
import { dataFolder } from '../../base/data-folder.ts';
import { PixtralError, reasonOf } from '../../base/errors.ts';
import { within } from '../../base/within.ts';
import { openHubRemote } from '../../hub/hub-remote.ts';
import type { Http } from '../../hub/http.ts';
import type { RemoteFile } from '../../hub/remote.ts';
import { hubToken } from '../../hub/token.ts';
import { keptTorrent } from '../../hub/torrent/kept-files.ts';
import { publications, publishedSum } from '../../hub/torrent/publications.ts';
import { seedTorrent } from '../../hub/torrent/seed.ts';
import { readTorrentName } from '../../hub/torrent/torrent-name.ts';
import { type TorrentRemote, openTorrentRemote } from '../../hub/torrent/torrent-remote.ts';
import type { ReachOptions } from './open-remote.ts';
import type { PullOptions, Pulled, Seeding } from './options.ts';
import { pull } from './pull.ts';

export interface TorrentPull {
  reach: ReachOptions;
  http: Http;
  options: Omit<PullOptions, 'keep'>;
  /** The Hub, which may publish sums of the same files. */
  endpoint: string;
  isOffline: boolean;
  keeps: boolean;
  seeding: Seeding | undefined;
}

/**
 * Installs a torrent's weights, from what is kept of it and from peers; seeds it then, if that was asked for.
 * @throws PixtralError as `pull`
 */
export async function pullTorrent(what: string, torrentPull: TorrentPull): Promise<Pulled> {
  const { reach, http, options, isOffline, keeps, seeding } = torrentPull;
  const { signal, onNote } = options;
  const folder = join(dataFolder(reach.env), 'torrents');
  const named = await readTorrentName(what, { http, signal });
  const kept = await keptTorrent(folder, named.infoHash);
  const label = named.name ?? named.infoHash;
  if (isOffline && (!kept || seeding)) {
    throw new PixtralError('machine', `${label}: its peers are elsewhere, and HF_HUB_OFFLINE forbids the network`, {
      hint: 'unset HF_HUB_OFFLINE',
    });
  }
  const torrent = { ...named, info: named.info ?? kept?.info };
  if (!kept) onNote(`${label}: looking for peers`);
  const sums = isOffline ? [] : await publishedFiles(torrent.infoHash, torrentPull);
  const remote = await openTorrentRemote(torrent, { dht: reach.dht, http, signal, folder, keeps, published: sums });
  try {
    const done = await pull(remote, { ...options, keep: undefined });
    const checked = remote.files.find((file) => publishedSum(file, sums) !== undefined);
    if (checked && done.from !== 'installed') onNote(`${checked.path}: has the sha256 that the Hub publishes`);
    if (seeding) await seed(remote, { ...torrentPull, seeding, done, torrent });
    return done;
  } finally {
    await remote.close();
  }
}

/** What the Hub knows of the same files; nothing where it cannot be asked: every piece has a hash of its own. */
async function publishedFiles(
  infoHash: string,
  { reach, http, options, endpoint }: TorrentPull,
): Promise<readonly RemoteFile[]> {
  const repo = (reach.publications ?? publications)[infoHash];
  if (repo === undefined) return [];
  const signal = within(options.signal, reach.stallMilliseconds);
  try {
    const token = await hubToken(reach.tokenFile, reach.env);
    return (await openHubRemote({ repo, revision: 'main' }, { endpoint, token, http, signal })).files;
  } catch (thrown) {
    options.signal.throwIfAborted();
    options.onNote(`${repo}: cannot be asked for its sums (${reasonOf(thrown)}): the torrent's own are checked`);
    return [];
  }
}

async function seed(
  remote: TorrentRemote,
  { reach, http, options, seeding, done, torrent }: SeedingPull,
): Promise<void> {
  const { metainfo, info, kept } = remote;
  const { byteLength } = metainfo;
  const totalBytes = Math.ceil(seeding.ratio * byteLength);
  const { sentBytes } = await seedTorrent({
    metainfo,
    info,
    places: torrent,
    kept,
    port: seeding.port,
    dht: reach.dht,
    http,
    maxSentBytes: totalBytes,
    signal: options.signal,
    onListening: (port) => seeding.onBegin(done, port),
    onProgress: ({ sentBytes, peers }) =>
      options.onProgress({
        stage: 'seed',
        tensor: `${peers} peers`,
        doneBytes: Math.min(sentBytes, totalBytes),
        totalBytes,
        skippedBytes: 0,
      }),
  });
  seeding.onEnd({ sentBytes, ratio: sentBytes / byteLength });
}

interface SeedingPull extends TorrentPull {
  seeding: Seeding;
  done: Pulled;
  torrent: Parameters<typeof openTorrentRemote>[0];
}
