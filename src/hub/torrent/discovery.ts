import type { Places } from './metainfo.ts';
import { type Announcing, askTracker, peerName } from './trackers.ts';

export interface DiscoveryOptions extends Announcing {
  places: Places;
  /** Nodes to begin with; `false` for none: trackers alone. */
  dht: { bootstrap: string[] | undefined } | false;
  onPeer: (name: string) => void;
  /** Whether more peers are wanted soon. */
  isLonely: () => boolean;
}

const roundMilliseconds = 120_000;
const lonelyMilliseconds = 15_000;

/** Looks for peers at trackers and in the distributed hash table, again and again, until it is closed. */
export async function startDiscovery(options: DiscoveryOptions): Promise<{ close(): void }> {
  const { places, dht, infoHash, onPeer, isLonely } = options;
  const table = dht === false ? undefined : await openTable(dht.bootstrap, onPeer);
  let sinceRound = 0;
  let isOpen = true;

  function round(): void {
    for (const peer of places.peers) onPeer(peer);
    for (const tracker of places.trackers) {
      askTracker(tracker, options).then(
        (peers) => isOpen && peers.forEach(onPeer),
        () => undefined, // other trackers and the table may know
      );
    }
    table?.lookup(infoHash, () => undefined);
  }

  const timer = setInterval(() => {
    sinceRound += lonelyMilliseconds;
    if (!isLonely() && sinceRound < roundMilliseconds) return;
    sinceRound = 0;
    round();
  }, lonelyMilliseconds);
  round();
  return {
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
