import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ReadOptions, pathSource, readSource, schemeSource } from '../../../src/image/sources/sources.ts';
import { imagePath } from '../../helpers/corpus.ts';

let scratch: string;
let pixel: Buffer;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-sources-'));
  pixel = await readFile(imagePath('pixel.png'));
});
after(() => rm(scratch, { recursive: true, force: true }));

const options: ReadOptions = { env: {}, allowPrivate: false, urlSeconds: 20 };
const read = async (word: string, more: Partial<ReadOptions> = {}): Promise<Buffer> =>
  Buffer.from(await readSource(schemeSource(word) ?? pathSource(word), { ...options, ...more }));

test('a data: URI is read, base64 and percent-encoded, and named shortly', async () => {
  const percent = [...pixel].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  for (const uri of [`data:image/png;base64,${pixel.toString('base64')}`, `data:image/png,${percent}`]) {
    assert.deepEqual(await read(uri), pixel);
    assert.ok(schemeSource(uri)!.name.length <= 48);
  }
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" fill="#123"><text>ä</text></svg>';
  assert.equal((await read(`data:image/svg+xml,${svg}`)).toString(), svg);
  await assert.rejects(read('data:image/png;base64,!!'), { code: 'input', message: /not base64/ });
  await assert.rejects(read('data:image/png;base64'), { code: 'input', message: /no comma/ });
});

test('a file of base64 stands for its picture, on stdin too, with or without line breaks', async () => {
  const base64 = pixel.toString('base64');
  const texts = [base64, `${base64.replaceAll(/.{20}/g, '$&\r\n')}\n`, `data:image/png;base64,${base64}\n`];
  for (const [index, text] of [...texts, pixel.toString('base64url'), `\ufeff${base64}`].entries()) {
    const path = join(scratch, `base64-${index}.txt`);
    await writeFile(path, text);
    assert.deepEqual(await read(path), pixel, text);
    assert.deepEqual(await read('-', { stdin: async () => Buffer.from(text) }), pixel, text);
  }
});

test('a text that is no base64 stays a text', async () => {
  for (const text of ['no picture at all', 'word', 'VeryLongWordWithoutAnySpace and then more', '']) {
    assert.equal((await read('-', { stdin: async () => Buffer.from(text) })).toString(), text);
  }
});

test('what the beginning of a word tells, with pages', () => {
  assert.deepEqual(schemeSource('-'), { kind: 'stdin', at: '-', name: 'stdin' });
  assert.deepEqual(schemeSource('clip:'), { kind: 'clipboard', at: 'clip:', name: 'clip:' });
  const two = { kind: 'pages', ranges: [[2, 2]] };
  assert.deepEqual(schemeSource('-#2'), { kind: 'stdin', at: '-', name: 'stdin', selection: two });
  const url = 'https://example.org/a.pdf';
  assert.deepEqual(schemeSource(`${url}#2`), { kind: 'url', at: url, name: url, selection: two });
  assert.equal(schemeSource(`${url}#page=2`)!.at, `${url}#page=2`);
  assert.equal(schemeSource('https://me:secret@example.org/')!.name, 'https://***@example.org/');
  assert.throws(() => schemeSource(`${url}#0`), { code: 'usage', message: /a\.pdf#0: pages and frames count from 1/ });
  for (const text of ['data: is plural', 'what is https://example.org ?', 'clip: the wings', '--', 'a.png']) {
    assert.equal(schemeSource(text), undefined, text);
  }
});

test('a URL of this machine is fetched when private addresses are allowed', async (t) => {
  const server = createServer((_, response) => response.end(pixel));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  assert.deepEqual(await read(url, { allowPrivate: true }), pixel);
  await assert.rejects(read(url), { code: 'input', message: /an address of no public server/ });
});

test('a missing file, a folder and a device without an end are refused by name', async () => {
  const missing = { code: 'input', message: /none\.png: no such file, expected a picture/ };
  await assert.rejects(read(join(scratch, 'none.png')), missing);
  await assert.rejects(read(scratch), { code: 'input', message: /is a folder/ });
  if (process.platform !== 'win32')
    await assert.rejects(read('/dev/zero'), { code: 'input', message: /zero: is a device, expected a picture/ });
});

test('reading stops when it is interrupted', async () => {
  await assert.rejects(read(imagePath('pixel.png'), { signal: AbortSignal.abort(2) }), (thrown) => thrown === 2);
});

test('a text that begins like base64 and goes on in blanks is no base64, and told so at once', async () => {
  const text = Buffer.from(`${'A'.repeat(64)}\n${' '.repeat(2_000_000)}!`);
  const path = join(scratch, 'blanks.txt');
  await writeFile(path, text);
  assert.ok(text.equals(await read(path)));
  const uri = `data:image/png;base64,${text.toString()}`;
  await assert.rejects(read(uri), { message: /is not base64/ });
});

test('percent signs of a data URI become bytes', async () => {
  const uri = 'data:image/svg+xml,%3Csvg%20a="%25%c3%A9é"/>';
  const bytes = await read(uri);
  assert.equal(bytes.toString(), '<svg a="%éé"/>');
});
