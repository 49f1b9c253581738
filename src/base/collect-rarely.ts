import { setFlagsFromString } from 'node:v8';

/** Releases of Node whose V8 was seen to know the flag: others would print an error. */
const releases = ['20', '22', '24'];

/**
 * Lets V8's heap grow tenfold between two full collections, for what receives gigabytes: every 64 KiB that a socket
 * gives are new memory that counts like the heap's own, and with a heap of some megabytes every twentieth megabyte
 * would have it all searched. That took as many processor seconds as the checksums; now it is some hundred megabytes.
 */
export function collectRarely(): void {
  if (releases.includes(process.versions.node.split('.')[0] ?? '')) setFlagsFromString('--heap-growing-percent=1000');
}
