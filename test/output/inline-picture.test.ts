import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inlinePicture, inlineProtocol } from '../../src/output/inline-picture.ts';

const png = Uint8Array.from({ length: 10_000 }, (_, index) => index);
const picture = { png, width: 2, height: 1, bytes: new Uint8Array(6) };

const protocol = (env: Record<string, string>, attributes?: string) => inlineProtocol(env, async () => attributes);

test('terminals are known by what they say of themselves, unless a multiplexer stands between', async () => {
  assert.equal(await protocol({ KITTY_WINDOW_ID: '1', TERM: 'xterm-kitty' }), 'kitty');
  assert.equal(await protocol({ TERM_PROGRAM: 'iTerm.app' }), 'iterm2');
  assert.equal(await protocol({ LC_TERMINAL: 'iTerm2', TERM: 'xterm-256color' }), 'iterm2');
  assert.equal(await protocol({ TERM: 'xterm-256color' }), undefined);
  assert.equal(await protocol({ KITTY_WINDOW_ID: '1', TERM: 'tmux-256color' }), undefined);
  assert.equal(await protocol({ KITTY_WINDOW_ID: '1', TERM: 'xterm-kitty', TMUX: '/tmp/x' }), undefined);
});

test('the others are asked whether they know sixels, multiplexers too', async () => {
  assert.equal(await protocol({ TERM: 'xterm' }, '\u001B[?63;1;2;4;6;9;15;22c'), 'sixel');
  assert.equal(await protocol({ TMUX: '/tmp/x' }, '\u001B[?1;2;4c'), 'sixel');
  for (const without of ['\u001B[?1;2c', '\u001B[?64;14;42c', '\u001B[?c', 'typed', '']) {
    assert.equal(await protocol({ TERM: 'xterm' }, without), undefined, without);
  }
});

test('kitty gets the PNG in pieces of at most 4096 characters, the last one marked', () => {
  const [before, ...sent] = inlinePicture(picture, 'kitty').trimEnd().split('\u001B_G');
  assert.equal(before, '');
  const pieces = sent.map((piece) => {
    assert.ok(piece.endsWith('\u001B\\'));
    return piece.slice(0, -2).split(';') as [control: string, text: string];
  });
  assert.deepEqual(
    pieces.map(([control]) => control),
    ['a=T,f=100,q=2,m=1', 'm=1', 'm=1', 'm=0'],
  );
  for (const [, text] of pieces) assert.ok(text.length <= 4096);
  assert.deepEqual(Buffer.from(pieces.map(([, text]) => text).join(''), 'base64'), Buffer.from(png));
});

test('iTerm2 gets the PNG in one piece, with its size', () => {
  const base64 = Buffer.from(png).toString('base64');
  assert.equal(inlinePicture(picture, 'iterm2'), `\u001B]1337;File=inline=1;size=10000:${base64}\u0007\n`);
});
