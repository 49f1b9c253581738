import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from '../../helpers/fast-check.ts';
import { LoopWatch } from '../../../src/engine/answers/loop-watch.ts';
import { tekken as pixtralTekken } from '../../helpers/tekken.ts';

const tekken = pixtralTekken();

/** After how many tokens a loop is noticed. */
function noticed(ids: readonly number[]): number | undefined {
  const watch = new LoopWatch(tekken);
  const at = ids.findIndex((id) => watch.push(id));
  return at < 0 ? undefined : at + 1;
}

const folder = new URL('../../../fixtures/repeats/', import.meta.url);

for (const name of readdirSync(folder)) {
  test(`${name} repeats much, and is no loop`, () => {
    assert.equal(noticed(tekken.encode(readFileSync(new URL(name, folder), 'utf8'))), undefined);
  });
}

const begin = 'The picture shows a street with several people. ';
const paragraph =
  'In the foreground there is a man who wears a black coat and a hat, and who carries an umbrella in his left hand. ' +
  'Behind him two children are playing with a ball; a dog is watching them. The houses on the right are made of brick, ' +
  'and their windows are open. It seems to be early in the morning, because the shadows are long.\n\n';

/** Each with the tokens that it may take, from the beginning of the loop. */
const loops: [what: string, period: string, within: number | 'three periods'][] = [
  ['a short word', ' the', 130],
  ['a word and a comma', ' yes,', 130],
  ['a few words', ' a man in a red car,', 136],
  ['an exclamation', ' Oh no!', 132],
  ['a sentence', ' The sign on the wall of the house on the left says that it is closed.', 'three periods'],
  ['a line', 'The text in the picture is not readable at this size and in this light.\n', 'three periods'],
  ['a paragraph', paragraph, 'three periods'],
  ['two paragraphs', paragraph + paragraph.toUpperCase(), 'three periods'],
  [
    'a sentence of Chinese',
    '图片中的文字无法辨认，因为分辨率太低，请提供更清晰的图片以便我能够准确地阅读和理解其中的内容。',
    'three periods',
  ],
  ['a sentence of Russian', ' На этой фотографии изображён старый дом у реки, за которым виден лес.', 'three periods'],
  ['digits', '3', 130],
  ['the digits of a fraction', '142857', 134],
  ['empty lines', '\n\n', 100],
  ['a row of a table', '| 12 | Screws, stainless | 4.50 | EUR |\n', 1050],
  ['a list item in JSON', '{"name":"screw","price":4.5},', 1050],
  ['a number in a list', '0, ', 2060],
];

for (const [what, period, within] of loops) {
  test(`${what}, over and over, is a loop`, () => {
    const before = tekken.encode(begin).length;
    const count = tekken.encode(period.repeat(10)).length / 10;
    const at = noticed(tekken.encode(begin + period.repeat(Math.ceil(3000 / count))));
    const most = within === 'three periods' ? Math.ceil(3 * count) + 2 : within;
    assert.ok(at !== undefined && at - before <= most, `${at} - ${before} of ${most}`);
    assert.ok(at - before >= Math.min(2 * count, 40), `${at}: too soon`);
  });
}

test('a loop is noticed wherever it begins, and whatever its tokens are', () => {
  const texts = fc.array(
    fc.constantFrom('red', 'green', 'house', 'tree', 'runs', 'sleeps', 'under', 'the', 'a', 'big'),
    {
      minLength: 20,
      maxLength: 200,
    },
  );
  fc.assert(
    fc.property(texts, texts, (first, again) => {
      fc.pre(new Set(again).size >= 8);
      const [before, ids] = [first, again].map((text) => tekken.encode(` ${text.join(' ')}.`)) as [number[], number[]];
      const looped = [...before, ...Array.from({ length: 4 }, () => ids).flat()];
      const at = noticed(looped);
      assert.ok(at !== undefined && at <= before.length + 3 * ids.length, `${at}`);
    }),
    { numRuns: 50 },
  );
});

test('a text of which nothing comes a third time is no loop', () => {
  const words = Array.from({ length: 2000 }, (_, index) => ` word${(index * 7919) % 1009}`);
  assert.equal(noticed(tekken.encode(words.join(''))), undefined);
  assert.equal(noticed(tekken.encode(begin + paragraph + paragraph)), undefined);
});
