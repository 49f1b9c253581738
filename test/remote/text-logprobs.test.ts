import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gridOf, isDemo } from '../../src/remote/grids.ts';
import { textLogprobs } from '../../src/remote/text-logprobs.ts';

const told = (tokens: readonly string[]) => tokens.map((token) => ({ token, logprob: -1, top: [] }));

const cases = [
  {
    name: 'without thoughts all are the text’s',
    thoughts: '',
    text: 'a cat',
    tokens: ['a', ' cat'],
    own: ['a', ' cat'],
  },
  {
    name: 'those of thoughts are not, also where they say the same',
    thoughts: 'a cat?',
    text: 'a cat',
    tokens: ['a', ' cat', '?', '[/THINK]', 'a', ' cat'],
    own: ['a', ' cat'],
  },
  {
    name: 'a stop text that the server found stands behind the text',
    thoughts: 'hm',
    text: 'a cat',
    stopText: 'END',
    tokens: ['hm', '[/THINK]', 'a', ' cat', 'EN', 'D'],
    own: ['a', ' cat', 'EN', 'D'],
  },
  {
    name: 'what a server that passes the stop text over says behind it is cut off',
    thoughts: 'hm',
    text: 'a cat',
    ownStop: 'END',
    tokens: ['hm', '[/THINK]', 'a', ' cat', 'E', 'ND', ' a cat'],
    own: ['a', ' cat', 'E', 'ND'],
  },
  {
    name: 'a token of which the text has only a part belongs to it',
    thoughts: 'hm',
    text: 'a cat',
    tokens: ['hm', '\n\na', ' cat'],
    own: ['\n\na', ' cat'],
  },
  {
    name: 'what is not found is not guessed',
    thoughts: 'hm',
    text: 'a cat',
    tokens: ['hm', 'b', ' cat'],
    own: undefined,
  },
  { name: 'an empty text has none', thoughts: 'hm', text: '', tokens: ['hm', '[/THINK]'], own: [] },
];
for (const { name, thoughts, text, stopText, ownStop, tokens, own } of cases) {
  test(name, () => {
    const found = textLogprobs({ thoughts, text, stopText, logprobs: told(tokens) }, ownStop);
    assert.deepEqual(
      found?.map(({ token }) => token),
      own,
    );
  });
}

test('bytes that are no text count as such', () => {
  const logprobs = [
    { token: 'hm', logprob: -1, top: [] },
    { token: '\uFFFD', bytes: [0xc3], logprob: -1, top: [] },
    { token: '\uFFFD', bytes: [0xa9], logprob: -1, top: [] },
  ];
  const found = textLogprobs({ thoughts: 'hm', text: 'é', stopText: undefined, logprobs }, undefined);
  assert.deepEqual(found, logprobs.slice(1));
});

test('the demonstration model is known by its folder, also where a server names a file in it', () => {
  for (const name of ['demo', 'models/demo', 'demo/model.gguf', '/c/demo-3212e3eef1ca144e/model.gguf']) {
    assert.ok(isDemo(name), name);
    assert.deepEqual([gridOf(name).image.maxImageSize, gridOf(name).isKnown], [256, true]);
  }
  for (const name of ['demon/model.gguf', 'demo.gguf', 'demo-2/model.gguf']) assert.ok(!isDemo(name), name);
});
