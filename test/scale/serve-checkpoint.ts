/**
 * Serves a folder of any size as the repository random/Random-Pixtral, at the Hub's addresses and from disk, in a
 * process of its own; says its address on stdout. What it must be like is shown by the tests of test/helpers/stand-in-hub.ts.
 *
 *   tsx test/scale/serve-checkpoint.ts <folder> <bytes a second, 0: as fast as it goes>
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const [folder = '', rate = '0'] = process.argv.slice(2);
const bytesPerSecond = Number(rate);
const commit = 'c'.repeat(40);
const files = new Map<string, { size: number; sha256: string }>();
for (const name of await readdir(folder)) {
  const hash = createHash('sha256');
  for await (const part of createReadStream(join(folder, name), { highWaterMark: 1 << 20 }))
    hash.update(part as Buffer);
  files.set(name, { size: (await stat(join(folder, name))).size, sha256: hash.digest('hex') });
}

let paidUntil = 0;
async function* limited(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const part of source) {
    if (bytesPerSecond > 0) {
      paidUntil = Math.max(paidUntil, performance.now()) + (part.byteLength / bytesPerSecond) * 1000;
      const wait = paidUntil - performance.now();
      if (wait > 5) await new Promise((resolve) => setTimeout(resolve, wait));
    }
    yield part;
  }
}

const server = createServer((request, response) => {
  const path = decodeURIComponent(request.url!.replace(/\?.*/, ''));
  const name = /\/resolve\/[^/]+\/(.+)$/.exec(path)?.[1];
  const json = (value: unknown): void =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  if (name === undefined && path.includes('/tree/')) {
    json(
      [...files].map(([path, { size, sha256 }]) => ({
        type: 'file',
        path,
        size,
        oid: 'f'.repeat(40),
        lfs: { oid: sha256, size, pointerSize: 134 },
      })),
    );
    return;
  }
  if (name === undefined) return json({ id: 'random/Random-Pixtral', sha: commit });
  const file = files.get(name);
  const [, from = '0', to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (!file) return void response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
  const [start, end] = [Number(from), Number(to ?? file.size - 1)];
  response.writeHead(to === undefined ? 200 : 206, {
    'x-repo-commit': commit,
    etag: `"${file.sha256}"`,
    'accept-ranges': 'bytes',
    'content-length': end - start + 1,
    ...(to !== undefined && { 'content-range': `bytes ${start}-${end}/${file.size}` }),
  });
  if (request.method === 'HEAD') return void response.end();
  const source = createReadStream(join(folder, name), { start, end, highWaterMark: 256 * 1024 });
  pipeline(bytesPerSecond > 0 ? Readable.from(limited(source)) : source, response).catch(() => response.destroy());
});
await once(server.listen(0, '127.0.0.1'), 'listening');
process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
