import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readSource, sourceName } from '../../src/image/sources.ts';
import { imagePath } from '../helpers/corpus.ts';

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-sources-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

test('a data: URI is read, base64 and percent-encoded, and named shortly', async () => {
  const bytes = await readFile(imagePath('pixel.png'));
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  for (const uri of [`data:image/png;base64,${bytes.toString('base64')}`, `data:image/png,${percent}`]) {
    assert.deepEqual(Buffer.from(await readSource(uri, {})), bytes);
    assert.ok(sourceName(uri).length <= 48);
  }
  await assert.rejects(readSource('data:image/png;base64,!!', {}), { code: 'input', message: /not base64/ });
  await assert.rejects(readSource('data:image/png', {}), { code: 'input', message: /no comma/ });
});

test('a URL is fetched, redirects followed; what the server refuses is said', async (t) => {
  const bytes = await readFile(imagePath('pixel.png'));
  const server = createServer((request, response) => {
    if (request.url === '/pixel') response.end(bytes);
    else if (request.url === '/moved') response.writeHead(302, { location: '/pixel' }).end();
    else response.writeHead(404).end('nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(() => server.close());
  for (const path of ['/pixel', '/moved']) {
    assert.deepEqual(Buffer.from(await readSource(base + path, {})), bytes);
  }
  await assert.rejects(readSource(`${base}/none`, {}), { code: 'input', message: /the server answered 404/ });
});

test('a server that is not there is a problem of the machine', async () => {
  await assert.rejects(readSource('http://127.0.0.1:9/x.png', {}), { code: 'machine', message: /cannot be fetched/ });
});

test('a missing file and a folder are refused by name', async () => {
  await assert.rejects(readSource(join(scratch, 'none.png'), {}), {
    code: 'input',
    message: /none\.png: no such file/,
  });
  await assert.rejects(readSource(scratch, {}), { code: 'input', message: /is a folder/ });
});
