import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import type { Chunk } from '../../src/prompt/message.ts';
import { placeImages } from '../../src/prompt/placeholders.ts';

const image = (name: string): Chunk<string> => ({ kind: 'image', image: name });
const text = (words: string): Chunk<string> => ({ kind: 'text', text: words });
const place = (...content: Chunk<string>[]): Chunk<string>[] => placeImages(content, (name) => name);

test('images go where the text names them, in any order', () => {
  assert.deepEqual(place(image('a'), image('b'), text('Is {2} larger than {1}?')), [
    text('Is '),
    image('b'),
    text(' larger than '),
    image('a'),
    text('?'),
  ]);
});

test('places may be in several texts, side by side, and images anywhere', () => {
  assert.deepEqual(place(text('{1}{2}'), image('a'), text('or {3}'), image('b'), image('c')), [
    image('a'),
    image('b'),
    text('or '),
    image('c'),
  ]);
});

test('without a place all stays as it is', () => {
  const content = [image('a'), text('{} {x} {1,2} { 1 }'), image('b')];
  assert.deepEqual(place(...content), content);
});

test('doubled braces are text', () => {
  assert.deepEqual(place(image('a'), text('{{1}} is {1}, {{{2}}}')), [text('{1} is '), image('a'), text(', {{2}}')]);
  assert.deepEqual(place(image('a'), text('x{{2}}')), [image('a'), text('x{2}')]);
});

for (const [prompt, says] of Object.entries({
  '{1} {3}': /^\{3\}: there are 2 pictures$/,
  '{0} {1} {2}': /^\{0\}: there are 2 pictures$/,
  '{1} {2} {1}': /^\{1\}: stands twice, expected once$/,
  'only {1}': /^picture 2 \(b\.png\): has no place in the prompt, expected \{2\}$/,
})) {
  test(`"${prompt}" is refused for two pictures`, () => {
    const attempt = (): unknown => place(image('a.png'), image('b.png'), text(prompt));
    assert.throws(attempt, { code: 'usage', message: says, hint: /\{\{\d\}\} for the text/ });
  });
}

test('a place without any picture is refused', () => {
  assert.throws(() => place(text('{1}')), { code: 'usage', message: /^\{1\}: there are 0 pictures$/ });
});

test('every image is used once, and no other text is lost or made up', () => {
  const words = fc.array(fc.oneof(fc.string(), fc.constantFrom('{', '}', '{{', '}}', '1')), { maxLength: 6 });
  fc.assert(
    fc.property(words, (parts) => {
      const before = parts.join('');
      const escaped = before.replaceAll(/\{(\d+)\}/g, '{{$1}}');
      fc.pre(!/\{\{\d+\}\}/.test(before));
      const placed = place(image('a'), text(`${escaped}|{1}|`));
      assert.deepEqual(placed, [text(`${before}|`), image('a'), text('|')]);
    }),
  );
});
