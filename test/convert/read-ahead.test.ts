import assert from 'node:assert/strict';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PixtralError } from '../../src/base/errors.ts';
import { readAhead } from '../../src/convert/read-ahead.ts';
import { withFolder } from '../helpers/weights.ts';

const large = Buffer.alloc(9_000_001, Buffer.from('0123456789abc'));

async function withFile(use: (reading: { file: FileHandle; path: string }) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const path = join(folder, 'file');
    await writeFile(path, large);
    const file = await open(path);
    try {
      await use({ file, path });
    } finally {
      await file.close();
    }
  });
}

test('stretches come whole and in their order, whatever their lengths', () =>
  withFile(async (reading) => {
    const spans = [
      { start: 0, end: 7 },
      { start: 7, end: 7 },
      { start: 7, end: 4_194_311 },
      { start: 4_194_311, end: large.byteLength },
    ];
    const found: Buffer[] = [];
    let parts: Buffer[] = [];
    for await (const { bytes, isLast } of readAhead({ ...reading, spans })) {
      parts.push(Buffer.from(bytes));
      await new Promise((resolve) => setImmediate(resolve)); // the next is read meanwhile
      assert.ok(parts.at(-1)!.equals(bytes));
      if (!isLast) continue;
      found.push(Buffer.concat(parts));
      parts = [];
    }
    assert.deepEqual(
      found.map((bytes) => bytes.byteLength),
      [7, 4_194_304, large.byteLength - 4_194_311],
    );
    assert.ok(Buffer.concat(found).equals(large));
  }));

test('a file that ends before says so, and who stops early leaves nothing behind', () =>
  withFile(async (reading) => {
    const read = async (end: number, most: number): Promise<number> => {
      let count = 0;
      for await (const { bytes } of readAhead({ ...reading, spans: [{ start: 0, end }] })) {
        count += bytes.byteLength;
        if (count >= most) break;
      }
      return count;
    };
    await assert.rejects(read(large.byteLength + 1, Infinity), (thrown) => thrown instanceof PixtralError);
    assert.equal(await read(large.byteLength, 1), 4_194_304);
  }));
