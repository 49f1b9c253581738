declare module 'bencode' {
  const bencode: { decode(bytes: Uint8Array): unknown; encode(value: unknown): Uint8Array };
  export default bencode;
}

declare module 'ut_metadata' {
  import type { EventEmitter } from 'node:events';
  import type { Extension } from 'bittorrent-protocol';

  export interface UtMetadata extends EventEmitter {
    fetch(): void;
  }
  export default function utMetadata(metadata?: Uint8Array): Extension;
}

declare module 'bittorrent-protocol' {
  import type { Duplex } from 'node:stream';
  import type { UtMetadata } from 'ut_metadata';

  export type Extension = new (wire: Wire) => object;

  export default class Wire extends Duplex {
    constructor(type?: string);
    peerChoking: boolean;
    amChoking: boolean;
    peerPieces: { get(index: number): boolean };
    requests: unknown[];
    ut_metadata: UtMetadata | undefined;
    use(extension: Extension): void;
    handshake(infoHash: string, peerId: string, extensions?: { dht?: boolean; fast?: boolean }): void;
    interested(): void;
    unchoke(): void;
    bitfield(pieces: Uint8Array): void;
    request(
      index: number,
      offset: number,
      length: number,
      done: (error: Error | null, bytes?: Uint8Array) => void,
    ): void;
    setTimeout(milliseconds: number, unref?: boolean): void;
    setKeepAlive(enable: boolean): void;
  }
}

declare module 'bittorrent-dht' {
  import type { EventEmitter } from 'node:events';

  export interface Client extends EventEmitter {
    lookup(infoHash: string, done?: (error: Error | null) => void): () => void;
    announce(infoHash: string, port: number, done?: (error: Error | null) => void): void;
    listen(port: number, address?: string, done?: () => void): void;
    address(): { port: number };
    destroy(done?: () => void): void;
  }
  export const Client: new (options: { bootstrap?: string[] | false; host?: string }) => Client;
}
