import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sixel } from '../../src/output/sixel.ts';

/** A slow reader of what sixel writes: [height, width, 3] bytes. */
function readSixel(text: string): { width: number; height: number; bytes: Uint8Array } {
  const [opening, ending] = ['\u001BP0;1q', '\u001B\\'];
  assert.ok(text.startsWith(opening) && text.endsWith(ending));
  const body = text.slice(opening.length, -ending.length);
  const [, width, height] = /^"1;1;(\d+);(\d+)/.exec(body)!.map(Number) as [number, number, number];
  const bytes = new Uint8Array(width * height * 3);
  const palette = new Map<string, number[]>();
  let [x, top, colour] = [0, 0, ''];
  for (const [token] of body.slice(body.indexOf('#')).matchAll(/#\d+;2;\d+;\d+;\d+|#\d+|!\d+[?-~]|[?-~]|\$|-/g)) {
    const [, name, rgb] = /^#(\d+)(?:;2;(.*))?$/.exec(token) ?? [];
    if (name !== undefined && rgb !== undefined)
      palette.set(
        name,
        rgb.split(';').map((part) => Number(part) * 2.55),
      );
    else if (name !== undefined) colour = name;
    else if (token === '$') x = 0;
    else if (token === '-') [x, top] = [0, top + 6];
    else {
      const count = token.startsWith('!') ? Number(token.slice(1, -1)) : 1;
      const mask = token.charCodeAt(token.length - 1) - 63;
      for (let end = x + count; x < end; x++) {
        for (let bit = 0; bit < 6; bit++) {
          if (mask & (1 << bit)) bytes.set(palette.get(colour)!.map(Math.round), ((top + bit) * width + x) * 3);
        }
      }
    }
  }
  return { width, height, bytes };
}

test('pure colours are drawn as they are, whatever the height', () => {
  const colours = [0, 51, 102, 153, 204, 255];
  for (const height of [1, 5, 6, 7, 13]) {
    const bytes = Uint8Array.from({ length: 20 * height * 3 }, (_, at) => colours[(at * 7) % 6]!);
    assert.deepEqual(readSixel(sixel({ width: 20, height, bytes })), { width: 20, height, bytes });
  }
});

test('colours between keep their mean over an area', () => {
  for (const value of [20, 77, 128, 200, 250]) {
    const { bytes } = readSixel(sixel({ width: 64, height: 64, bytes: new Uint8Array(64 * 64 * 3).fill(value) }));
    const mean = bytes.reduce((sum, byte) => sum + byte, 0) / bytes.length;
    assert.ok(Math.abs(mean - value) < 4, `${value} became ${mean}`);
  }
});
