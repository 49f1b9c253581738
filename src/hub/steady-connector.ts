import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** Taken from the system at a time: little enough to be in the processor's cache still when it is copied. */
const memoryBytes = 64 * 1024;

/**
 * Connections that read into the same memory again and again. Node's sockets take new memory for every 64 KiB, which
 * costs more than all else that is done with them. What is read is of use until the reader asks for more; what it does
 * not take at once is copied.
 */
export function steadyConnector(build: typeof buildConnector, timeout: number): buildConnector.connector {
  return (options, done) => {
    const memory = Buffer.allocUnsafeSlow(memoryBytes);
    let fresh: Buffer | undefined;

    /** @returns whether more may come */
    function callback(this: Socket, byteLength: number): boolean {
      fresh = memory.subarray(0, byteLength);
      this.emit('readable');
      if (fresh === undefined) return true;
      const waiting = Buffer.from(fresh);
      fresh = undefined;
      return this.push(waiting);
    }

    function handOver(socket: Socket): void {
      const read = socket.read.bind(socket);
      const unshift = socket.unshift.bind(socket);
      socket.read = (size?: number) => {
        if (fresh === undefined || size !== undefined || socket.readableLength > 0) return read(size) as unknown;
        const part = fresh;
        fresh = undefined;
        return part;
      };
      socket.unshift = (part: Uint8Array) => unshift(Buffer.from(part));
    }

    build({ timeout, onread: { buffer: memory, callback } })(options, (...outcome) => {
      const [, socket] = outcome;
      if (socket) handOver(socket);
      done(...outcome);
    });
  };
}
