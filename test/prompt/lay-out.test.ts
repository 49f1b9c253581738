import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../src/prompt/message.ts';
import { layOut } from '../../src/prompt/lay-out.ts';
import type { TokenizerVersion } from '../../src/tokenizer/tekken.ts';
import { type Grid, assistant, picture, said, system, user } from '../helpers/tekken-conversations.ts';

/** A layout in one line: control tokens bare, texts quoted and only where there is one, images as their size. */
function shown(messages: Message<Grid>[], version: TokenizerVersion): string {
  const segments = layOut(messages, { version, settings: undefined }, {}).map((segment) => {
    if (segment.kind === 'control') return segment.name;
    if (segment.kind === 'text') return JSON.stringify(segment.text);
    return `${segment.image.grid.columns}x${segment.image.grid.rows}`;
  });
  return segments.filter((segment) => segment !== '""').join(' ');
}

test('v3 puts all system prompts before the last user turn, one text with it unless there is an image', () => {
  const messages = [system(said('S')), user(said('a')), assistant('b'), system(said('T')), user(said('c'))];
  const allowed = messages.filter((_, i) => i !== 3);
  assert.equal(shown(allowed, 'v3'), '<s> [INST] "a" [/INST] "b" </s> [INST] "S\\n\\nc" [/INST]');
  assert.equal(
    shown([system(said('S')), system(said('T')), user(picture(1, 2), said('c'))], 'v3'),
    '<s> [INST] "S\\n\\nT\\n\\n" 1x2 "c" [/INST]',
  );
});

test('v7 and later leave each system prompt where it was given', () => {
  const messages = [system(said('S')), user(said('a')), system(said('T')), user(said('c'))];
  for (const version of ['v7', 'v11', 'v13', 'v15', 'v7-v13'] as const) {
    assert.equal(
      shown(messages, version),
      '<s> [SYSTEM_PROMPT] "S" [/SYSTEM_PROMPT] [INST] "a" [/INST] [SYSTEM_PROMPT] "T" [/SYSTEM_PROMPT] [INST] "c" [/INST]',
    );
  }
});

test('only an image right behind a lone text moves to the front', () => {
  const [text, image] = [said('t'), picture(1, 1)];
  assert.equal(shown([user(text, image)], 'v3'), '<s> [INST] 1x1 "t" [/INST]');
  assert.equal(shown([user(text), user(image)], 'v7'), '<s> [INST] 1x1 "t" [/INST]');
  assert.equal(shown([user(text, image, image)], 'v3'), '<s> [INST] "t" 1x1 1x1 [/INST]');
  assert.equal(shown([user(image, text, image)], 'v3'), '<s> [INST] 1x1 "t" 1x1 [/INST]');
  assert.equal(shown([user(text, image, text)], 'v3'), '<s> [INST] "t" 1x1 "t" [/INST]');
});

test('v3 begins with an empty turn of the user where there is none', () => {
  assert.equal(shown([system(said('S'))], 'v3'), '<s> [INST] "S\\n\\n" [/INST]');
  assert.equal(shown([system(said('S'))], 'v7'), '<s> [SYSTEM_PROMPT] "S" [/SYSTEM_PROMPT]');
});

test('an answer loses the spaces at its end, and has no </s> when it is to be continued', () => {
  assert.equal(
    shown([user(said('a')), assistant('b \n  '), user(said('c'))], 'v3'),
    '<s> [INST] "a" [/INST] "b \\n" </s> [INST] "c" [/INST]',
  );
  assert.equal(shown([user(said('a')), { ...assistant('b'), prefix: true }], 'v3'), '<s> [INST] "a" [/INST] "b"');
});
