import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inlinePicture, inlineProtocol, inlineSteps, inlineWay } from '../../src/output/inline-picture.ts';

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

const large = { ...picture, png: Uint8Array.from({ length: 2_000_000 }, (_, index) => index * 31) };
const sequencesOf = (text: string): string[] => text.split('\u0007').filter((part) => part.trim() !== '');

test('iTerm2 gets a large PNG in parts, each below its limit of 1,048,576 bytes', () => {
  const [first, ...others] = sequencesOf(inlinePicture(large, 'iterm2'));
  assert.equal(first, '\u001B]1337;MultipartFile=inline=1;size=2000000');
  assert.equal(others.pop(), '\u001B]1337;FileEnd');
  for (const part of others) assert.ok(part.length < 1_048_576 && part.startsWith('\u001B]1337;FilePart='));
  const base64 = others.map((part) => part.slice('\u001B]1337;FilePart='.length)).join('');
  assert.deepEqual(Buffer.from(base64, 'base64'), Buffer.from(large.png));
});

test('a PNG just below the limit is one sequence, which WezTerm and mintty always get', () => {
  for (const byteLength of [786_300, 786_380, 786_430, 790_000]) {
    const sequences = sequencesOf(inlinePicture({ ...picture, png: new Uint8Array(byteLength) }, 'iterm2'));
    for (const sequence of sequences) assert.ok(sequence.length + 1 <= 1_048_576, `${byteLength}: ${sequence.length}`);
    assert.equal(sequences.length === 1, byteLength < 786_380, String(byteLength));
  }
  for (const TERM_PROGRAM of ['WezTerm', 'mintty']) {
    const way = inlineWay({ TERM_PROGRAM }, { isTTY: true });
    assert.equal(sequencesOf(inlinePicture(large, 'iterm2', way)).length, 1);
  }
});

test('inside tmux that hands on, a known terminal around it is spoken to; sixels are left to tmux', async () => {
  const inTmux = { TMUX: '/tmp/tmux-0/default,1,0', TERM: 'tmux-256color', KITTY_WINDOW_ID: '1' };
  const told = (attributes: string | undefined, passes: boolean) =>
    inlineProtocol(
      inTmux,
      async () => attributes,
      async () => passes,
    );
  assert.equal(await told(undefined, true), 'kitty');
  assert.equal(await told(undefined, false), undefined);
  assert.equal(await told('\u001B[?1;2;4c', true), 'sixel');
  assert.equal(
    await inlineProtocol(
      { ...inTmux, KITTY_WINDOW_ID: undefined },
      async () => undefined,
      async () => true,
    ),
    undefined,
  );
  assert.deepEqual(inlineWay(inTmux, { isTTY: true }), { tmux: true, onePiece: false });
  assert.equal(inlineWay(inTmux, { isTTY: false }).tmux, false);
});

for (const protocol of ['kitty', 'iterm2'] as const) {
  test(`inside tmux each sequence of ${protocol} has an envelope with its escapes doubled, and lines of its own`, () => {
    const tall = { ...large, height: 200 };
    const [room, drawing, ...more] = inlineSteps(tall, protocol, { tmux: true, onePiece: false });
    assert.deepEqual([room, more], [`${'\n'.repeat(10)}\u001B[10A`, []]);
    const plain = inlinePicture(tall, protocol).trimEnd();
    const end = '\u001B[10B\r';
    assert.ok(drawing!.endsWith(end));
    const envelopes = drawing!.slice(0, -end.length).split('\u001BPtmux;').slice(1);
    const contents = envelopes.map((envelope) => {
      assert.ok(envelope.endsWith('\u001B\\') && envelope.length < 1_048_576);
      const content = envelope.slice(0, -2);
      assert.ok(!content.replaceAll('\u001B\u001B', '').includes('\u001B'));
      return content.replaceAll('\u001B\u001B', '\u001B');
    });
    assert.equal(contents.join('').replace(/;height=10|r=10,C=1,/, ''), plain);
  });
}
