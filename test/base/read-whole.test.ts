import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readWhole } from '../../src/base/read-whole.ts';

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-whole-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

const options = { maxBytes: 2 ** 20, what: 'a list', pipes: true };
const unix = { skip: process.platform === 'win32' };

function pipe(name: string): string {
  const path = join(scratch, name);
  execFileSync('mkfifo', [path]);
  return path;
}

test('a file is read whole, up to the limit and no byte further', async () => {
  const path = join(scratch, 'file');
  const bytes = Buffer.alloc(options.maxBytes, 'ab');
  await writeFile(path, bytes);
  assert.ok(bytes.equals(await readWhole(path, options)));
  await writeFile(path, Buffer.alloc(options.maxBytes + 1));
  await assert.rejects(readWhole(path, options), {
    code: 'input',
    message: `${path}: is over 1 MiB, too large for a list`,
  });
});

test('what is kept of a small file is not much larger than it', async () => {
  const path = join(scratch, 'small');
  for (const text of ['', 'a', 'a few letters']) {
    await writeFile(path, text);
    const bytes = await readWhole(path, options);
    assert.equal(Buffer.from(bytes).toString(), text);
    assert.ok(bytes.buffer.byteLength <= text.length + 1, `${bytes.buffer.byteLength} bytes`);
  }
});

test('a file that is longer than it says is read whole', { skip: process.platform !== 'linux' }, async () => {
  const path = '/proc/version'; // says that it is empty
  assert.ok((await readFile(path)).equals(await readWhole(path, options)));
});

test('a device and a folder are refused by what they are, behind a link too', unix, async () => {
  await mkdir(join(scratch, 'folder'));
  await symlink('/dev/zero', join(scratch, 'link'));
  for (const [path, kind] of [
    ['/dev/zero', 'a device'],
    ['/dev/null', 'a device'],
    [join(scratch, 'link'), 'a device'],
    [join(scratch, 'folder'), 'a folder'],
  ] as const) {
    await assert.rejects(readWhole(path, options), { code: 'input', message: `${path}: is ${kind}, expected a list` });
  }
});

test('a pipe is refused where only a file will do, without opening it', unix, async () => {
  const path = pipe('refused');
  await assert.rejects(readWhole(path, { ...options, pipes: false }), {
    code: 'input',
    message: /is a pipe, expected/,
  });
});

test('a pipe is read to its end, also when its writer comes late and pauses', unix, async () => {
  const path = pipe('late');
  const reading = readWhole(path, options);
  const writing = createWriteStream(path);
  await new Promise((resolve) => writing.write('first ', resolve));
  writing.end('last');
  assert.equal(Buffer.from(await reading).toString(), 'first last');
});

test('a pipe without an end is refused at the limit', unix, async () => {
  const path = pipe('endless');
  const reading = readWhole(path, options);
  const writing = createWriteStream(path).on('error', () => {});
  const piece = Buffer.alloc(2 ** 16);
  const more = (): void => void writing.write(piece, (error) => error ?? more());
  more();
  await assert.rejects(reading, { code: 'input', message: /is over 1 MiB/ });
  writing.destroy();
});

test('waiting for a pipe that nobody writes to can be ended', unix, async () => {
  const path = pipe('silent');
  const ending = new AbortController();
  const reading = readWhole(path, { ...options, signal: ending.signal });
  setImmediate(() => ending.abort());
  await assert.rejects(reading, { name: 'AbortError' });
});
