import type { Http } from '../http.ts';

/** What a tracker is told. */
export interface Announcing {
  infoHash: string;
  /** 20 bytes in hex. */
  peerId: string;
  /** Where others may connect to; trackers want to hear one from those who do not listen too. */
  port: number;
  /** Bytes that are still wanted. */
  left: number;
  /** Bytes that were sent to others. */
  uploaded: number;
  /** What has happened since the last time, if anything. */
  event: 'completed' | 'started' | 'stopped' | undefined;
  http: Http;
  signal: AbortSignal;
}

/** Peers that are asked for at a time. */
export const wantedPeers = 100;
