import { Transform } from 'node:stream';

/** `<length of the name><name><8 bytes><infohash><peer id>`; the name is BitTorrent protocol's own in all of them. */
const handshakeBytes = 68;
/** The longest messages of honest peers: a bitfield of some million pieces, a block, 16 kB of the info dictionary. */
const maxFrameBytes = 1024 * 1024;

/**
 * What a peer sends, as it comes; ends with an error where it says that a message is longer than any is: the protocol's
 * parser would keep it all in memory.
 */
export function limitFrames(): Transform {
  let left = handshakeBytes; // of what is passing
  let header = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.byteLength;) {
        if (left > 0) {
          const passing = Math.min(left, chunk.byteLength - at);
          left -= passing;
          at += passing;
          continue;
        }
        const more = Math.min(4 - header.byteLength, chunk.byteLength - at);
        header = Buffer.concat([header, chunk.subarray(at, at + more)]);
        at += more;
        if (header.byteLength < 4) continue;
        left = header.readUInt32BE(0);
        header = Buffer.alloc(0);
        if (left > maxFrameBytes) return done(new Error(`a message of ${left} bytes`));
      }
      done(null, chunk);
    },
  });
}
