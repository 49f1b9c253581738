import bencode from 'bencode';
import { wholeBody } from '../exchange.ts';
import { type Announcing, wantedPeers } from './announcing.ts';
import { compactPeers, peerName } from './peer-name.ts';
import { askUdp } from './udp-tracker.ts';

/** Of an answer: no tracker sends more than some hundred peers. */
const maxAnswerBytes = 1024 * 1024;

/**
 * Peers (`host:port`) that a tracker knows of (BEP 3, 23, 7, 15).
 * @throws Error with what the tracker says, or when it does not answer
 */
export function askTracker(tracker: string, announcing: Announcing): Promise<string[]> {
  return tracker.startsWith('udp:') ? askUdp(tracker, announcing) : askHttp(tracker, announcing);
}

async function askHttp(tracker: string, announcing: Announcing): Promise<string[]> {
  const { infoHash, peerId, port, left, uploaded, event, http, signal } = announcing;
  const spelled = (hex: string): string => hex.replaceAll(/../g, '%$&');
  const query = `info_hash=${spelled(infoHash)}&peer_id=${spelled(peerId)}&port=${port}&uploaded=${uploaded}&downloaded=0&left=${left}&compact=1&numwant=${wantedPeers}${event === undefined ? '' : `&event=${event}`}`;
  const url = new URL(`${tracker}${tracker.includes('?') ? '&' : '?'}${query}`);
  const response = await http.request(url, { method: 'GET', headers: {}, secret: undefined, follow: true, signal });
  const bytes = await wholeBody(response.body, {
    most: maxAnswerBytes,
    tooLong: () => new Error('too long an answer'),
  });
  const answer = bencode.decode(bytes) as Record<string, unknown>;
  const { peers, peers6, 'failure reason': failure } = answer;
  if (failure instanceof Uint8Array) throw new Error(Buffer.from(failure).toString());
  const listed = Array.isArray(peers) ? peers.flatMap(namedPeer) : compactPeers(peers, 4);
  return [...listed, ...compactPeers(peers6, 16)];
}

function namedPeer(peer: unknown): string[] {
  const { ip, port } = peer as { ip?: Uint8Array; port?: number };
  return ip instanceof Uint8Array && typeof port === 'number' ? [peerName(Buffer.from(ip).toString(), port)] : [];
}
