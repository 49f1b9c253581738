import { randomBytes } from 'node:crypto';
import { reasonOf } from '../../base/errors.ts';
import type { Announcing } from './announcing.ts';
import type { Places } from './metainfo.ts';
import { peerName } from './peer-name.ts';
import { askTracker } from './trackers.ts';

export interface DiscoveryOptions extends Omit<Announcing, 'uploaded' | 'event'> {
  places: Places;
  uploaded: () => number;
  /** Whether others may connect to the port: they are told of it. */
  listens: boolean;
  /** Nodes to begin with; `false` for none: trackers alone. */
  dht: { bootstrap: string[] | undefined } | false;
  onPeer: (name: string) => void;
  /** Whether more peers are wanted soon. */
  isLonely: () => boolean;
}

/** What trackers hear, and where a seeder tries to listen first. */
export const usualPort = 6881;

const roundMilliseconds = 120_000;
const lonelyMilliseconds = 15_000;
/** Of a stall: who lost the only peer looks for it again before patience ends. */
const lonelyStalls = 5;
const farewellMilliseconds = 2000;

export interface Discovery {
  /** What kept trackers from naming peers, by tracker; of those that answer nothing is said. */
  troubles(): ReadonlyMap<string, string>;
  /** Tells the trackers that may know of us that we go, for two seconds; whether they hear it does not matter. */
  leave(): Promise<void>;
  close(): void;
}

/** Looks for peers at trackers and in the distributed hash table, again and again, until it is closed. */
export async function startDiscovery(options: DiscoveryOptions): Promise<Discovery> {
  const { places, dht, infoHash, port, listens, uploaded, http, onPeer, isLonely } = options;
  const table = dht === false ? undefined : await openTable(dht.bootstrap, onPeer);
  const told = new Set<string>(); // trackers that have answered
  const troubles = new Map<string, string>();
  const lonely = Math.min(lonelyMilliseconds, lonelyStalls * http.stallMilliseconds);
  let sinceRound = 0;
  let isOpen = true;

  async function ask(tracker: string): Promise<void> {
    const event = told.has(tracker) ? undefined : 'started';
    const peers = await askTracker(tracker, { ...options, uploaded: uploaded(), event });
    told.add(tracker);
    troubles.delete(tracker);
    if (isOpen) peers.forEach(onPeer);
  }

  function round(): void {
    for (const peer of places.peers) onPeer(peer);
    for (const tracker of places.trackers) {
      void ask(tracker).catch((thrown: unknown) => troubles.set(tracker, reasonOf(thrown))); // others may know
    }
    if (listens) table?.announce(infoHash, port, () => undefined);
    else table?.lookup(infoHash, () => undefined);
  }

  const timer = setInterval(() => {
    sinceRound += lonely;
    if (!isLonely() && sinceRound < roundMilliseconds) return;
    sinceRound = 0;
    round();
  }, lonely);
  round();
  return {
    troubles: () => troubles,
    async leave() {
      const signal = AbortSignal.timeout(farewellMilliseconds);
      const leaving = { ...options, uploaded: uploaded(), event: 'stopped', signal } as const;
      const reached = places.trackers.filter((tracker) => told.has(tracker) || !troubles.has(tracker));
      await Promise.allSettled(reached.map((tracker) => askTracker(tracker, leaving)));
    },
    close() {
      isOpen = false;
      clearInterval(timer);
      table?.destroy();
    },
  };
}

async function openTable(bootstrap: string[] | undefined, onPeer: (name: string) => void) {
  const { Client } = await import('bittorrent-dht');
  const table = new Client(bootstrap === undefined ? {} : { bootstrap });
  table.on('peer', ({ host, port }: { host: string; port: number }) => onPeer(peerName(host, port)));
  for (const fault of ['error', 'warning']) table.on(fault, () => undefined); // trackers may know
  return table;
}

/** 20 bytes in hex, another one each time. */
export function newPeerId(): string {
  return `${Buffer.from('-PX0001-').toString('hex')}${randomBytes(12).toString('hex')}`;
}
