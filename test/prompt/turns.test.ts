import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../src/prompt/message.ts';
import { checkConversation } from '../../src/prompt/conversation.ts';
import { templates } from '../../src/prompt/template.ts';
import { mergeTurns as merge, newTurn } from '../../src/prompt/turns.ts';
import { type Grid, assistant, picture, said, system, user } from '../helpers/tekken-conversations.ts';

const mergeTurns = (messages: readonly Message<Grid>[]) => {
  checkConversation(messages, templates.v3);
  return merge(messages, templates.v3);
};

test('neighbours of one role become one turn, texts joined as paragraphs', () => {
  const turns = mergeTurns([user(said('a'), said('')), user(said('b'), picture(1, 1), said('c'), said('d'))]);
  assert.deepEqual(turns, [
    { ...newTurn('user'), chunks: [said('a\n\nb'), picture(1, 1), said('c\n\nd')], isSaid: true },
  ]);
});

test('each system message stays a turn, and parts those of the user', () => {
  const turns = mergeTurns([system(said('a')), system(said('b')), user(said('c')), system(said('d')), user(said('e'))]);
  assert.deepEqual(
    turns.map(({ role }) => role),
    ['system', 'system', 'user', 'system', 'user'],
  );
});

test('merging leaves the messages as they were', () => {
  const messages = [user(said('a')), user(said('b'))];
  mergeTurns(messages);
  assert.deepEqual(messages, [user(said('a')), user(said('b'))]);
});

test('orders of roles without a layout are input errors that say which message is wrong', () => {
  const refused: [messages: Message<Grid>[], message: RegExp][] = [
    [[], /no message/],
    [[{ ...assistant('a'), prefix: true }], /the only message is an answer/],
    [[user(said('a')), assistant('b')], /the last message is an answer/],
    [
      [user(said('a')), assistant('b'), system(said('c')), user(said('d'))],
      /message 3 is a system prompt after an answer/,
    ],
    [[user(said('a')), { ...assistant('b'), prefix: true }, user(said('c'))], /message 2 is to be continued/],
    [[{ ...user(said('a')), prefix: true }], /message 1 is to be continued/],
    [[system(picture(1, 1)), user(said('a'))], /an image in a message of the system/],
    [[user(said('a')), assistant(''), user(said('b'))], /an answer without text/],
  ];
  for (const [messages, message] of refused) {
    assert.throws(() => mergeTurns(messages), { name: 'PixtralError', code: 'input', message });
  }
});
