import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { findSources } from '../../../src/image/sources/expand.ts';
import { filePath, isFileUrl } from '../../../src/image/sources/file-url.ts';
import { imagePath } from '../../helpers/corpus.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-files-'));
  await cp(imagePath('pages.tif'), join(folder, 'Größe 100% #1?.tif'));
});
after(() => rm(folder, { recursive: true, force: true }));

const posix: Record<string, string> = {
  'file:///home/me/a.png': '/home/me/a.png',
  'file:/home/me/a.png': '/home/me/a.png',
  'FILE://localhost/home/me/a%20b.png': '/home/me/a b.png',
  'file:///Gr%C3%B6%C3%9Fe/%23%3F%25.png': '/Größe/#?%.png',
  'file:///home/me/My Photo.png': '/home/me/My Photo.png',
};
const windows: Record<string, string> = {
  'file:///C:/Users/me/a%20b.png': 'C:\\Users\\me\\a b.png',
  'file://C:/a.png': 'C:\\a.png',
  'file:\\\\\\C:\\a.png': 'C:\\a.png',
  'file:///c|/a.png': 'c:\\a.png',
};
for (const [platform, cases] of Object.entries({ linux: posix, win32: windows })) {
  test(`file: URLs are paths on ${platform}`, () => {
    for (const [url, path] of Object.entries(cases)) {
      assert.ok(isFileUrl(url), url);
      assert.equal(filePath(url, platform as NodeJS.Platform), path);
    }
  });
}

const refused: Record<string, RegExp> = {
  'file://server/share/a.png': /leads to server, expected/,
  'file://///server/share/a.png': /leads to server|no such file/,
  'file:a.png': /is relative/,
  'file:///a.png?x=1': /has a query/,
  'file:///a.png#top': /has a fragment that selects no pages/,
  'file:///a%2Fb.png': /encoded slash/,
  'file:///a%00.png': /encoded slash or zero/,
  'file:///caf%E9.png': /not percent-encoded as UTF-8/,
  'file:///a%zz.png': /not percent-encoded/,
};
for (const [url, says] of Object.entries(refused)) {
  test(`${url} is refused, whatever file its path might name`, async () => {
    const reading = findSources(url).then((sources) => {
      throw Object.assign(new Error(`${sources?.[0]?.at}: no such file`), { code: 'input' });
    });
    await assert.rejects(reading, { code: 'input', message: says });
  });
}

test('a file: URL names a file with pages, or a folder; a text that speaks of one is a text', async () => {
  const path = join(folder, 'Größe 100% #1?.tif');
  const url = pathToFileURL(path).href;
  assert.deepEqual(await findSources(url), [{ kind: 'path', at: path, name: path }]);
  const selection = { kind: 'pages', ranges: [[2, 3]] };
  assert.deepEqual(await findSources(`${url}#2-3`), [{ kind: 'path', at: path, name: path, selection }]);
  assert.deepEqual(await findSources(pathToFileURL(folder).href), [{ kind: 'path', at: path, name: path }]);
  const list = join(folder, 'list.lst');
  await writeFile(list, Buffer.from(`\ufeff${url}\r\n`, 'utf16le'));
  assert.deepEqual(await findSources(`@${list}`), [{ kind: 'path', at: path, name: path }]);
  assert.equal(await findSources('file: what is it?'), undefined);
});
