import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Part, type Session, emptySession, messagesOf } from '../../../src/cli/chat/session.ts';
import type { Picture } from '../../../src/image/decoder/load.ts';
import { pathSource } from '../../../src/image/sources/sources.ts';
import { encodePrompt } from '../../../src/prompt/encode.ts';
import type { Message } from '../../../src/prompt/message.ts';
import { type Grid, goldenConversations } from '../../helpers/tekken-conversations.ts';
import { tekken } from '../../helpers/tekken.ts';

/** A conversation as a chat would hold it, and its last question; undefined for one that a chat cannot have. */
function asChat(messages: readonly Message<Grid>[]): { session: Session; question: Part[] } | undefined {
  const [first, ...others] = messages;
  const system = first?.role === 'system' ? first.content : undefined;
  const turns = system ? others : messages;
  const isText = ({ kind }: { kind: string }): boolean => kind === 'text';
  const alternate = turns.every(({ role }, index) => role === (index % 2 === 0 ? 'user' : 'assistant'));
  if (!alternate || turns.length % 2 === 0 || (system && !(system.length === 1 && system.every(isText))))
    return undefined;
  const textOf = ({ content }: Message<Grid>): string =>
    content.map((chunk) => (chunk.kind === 'text' ? chunk.text : '')).join('');
  const parts = ({ content }: Message<Grid>): Part[] =>
    content.map((chunk, number) =>
      chunk.kind === 'text'
        ? chunk
        : {
            kind: 'picture',
            picture: { number, source: pathSource('x'), chunks: [chunk as { kind: 'image'; image: Picture }] },
          },
    );
  const answered = turns.filter((_, index) => index % 2 === 1);
  if (answered.some(({ content }) => content.length !== 1)) return undefined;
  const session: Session = {
    ...emptySession,
    ...(system && { system: textOf({ role: 'system', content: system }) }),
    turns: answered.map((message, index) => ({
      question: parts(turns[index * 2]!),
      answer: { text: textOf(message), interrupted: false },
    })),
  };
  return { session, question: parts(turns.at(-1)!) };
}

for (const version of ['v3', 'v7'] as const) {
  test(`a chat of several turns has mistral-common's ids in ${version}`, () => {
    let several = 0;
    for (const { messages, ids } of goldenConversations()) {
      const chat = asChat(messages);
      const expected = ids[version];
      if (!chat || expected === null) continue;
      if (chat.session.turns.length > 0) several++;
      const runs = encodePrompt(messagesOf(chat.session, chat.question), tekken(version));
      assert.deepEqual(
        runs.flatMap((run) => run.ids),
        expected,
        JSON.stringify(messages),
      );
    }
    assert.ok(several >= 10, `${several} conversations of several turns`);
  });
}
