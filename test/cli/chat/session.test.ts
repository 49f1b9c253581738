import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Attachment,
  type Change,
  type Part,
  type Session,
  allPictures,
  changed,
  emptySession,
  messagesOf,
  withPending,
} from '../../../src/cli/chat/session.ts';
import type { Picture } from '../../../src/image/decoder/load.ts';
import { pathSource } from '../../../src/image/sources/sources.ts';

const picture = (name: string): Pick<Attachment, 'source' | 'chunks'> => ({
  source: pathSource(name),
  chunks: [{ kind: 'image', image: { source: name } as Picture }],
});
const text = (said: string): Part => ({ kind: 'text', text: said });
const said = (answer: string) => ({ text: answer, interrupted: false });

function after(...changes: Change[]): Session {
  return changes.reduce(changed, emptySession);
}

/** `system: x | user: [a.png] what? | assistant: a cat` */
function shown(session: Session, question?: readonly Part[]): string {
  return messagesOf(session, question)
    .map(({ role, content }) => {
      const parts = content.map((chunk) => (chunk.kind === 'image' ? `[${chunk.image.source}]` : chunk.text));
      return `${role}: ${parts.join(' ')}`;
    })
    .join(' | ');
}

const attached: Change = { kind: 'attached', pictures: [picture('a.png'), picture('b.png')] };

test('pictures wait for the next question, and stand before its words', () => {
  const session = after(attached);
  const question = withPending(session, [text('what?')]);
  assert.equal(shown(session, question), 'user: [a.png] [b.png] what?');
  const answered = changed(session, { kind: 'answered', question, answer: said('cats') });
  assert.deepEqual(answered.pending, []);
  assert.equal(
    shown(answered, withPending(answered, [text('sure?')])),
    'user: [a.png] [b.png] what? | assistant: cats | user: sure?',
  );
});

test('a picture in a sentence is not attached twice', () => {
  const session = after(attached);
  const [a, b] = session.pending as [Attachment, Attachment];
  const question: Part[] = [text('compare'), { kind: 'picture', picture: b }, text('with it')];
  assert.equal(shown(session, withPending(session, question)), 'user: [a.png] compare [b.png] with it');
  assert.equal(a.number, 1);
});

test('the pictures of a question without an answer go with the next one', () => {
  const session = after(attached);
  const question = withPending(session, [text('what?')]);
  const failed = changed(session, { kind: 'unanswered', question });
  assert.equal(shown(failed), '');
  assert.equal(shown(failed, withPending(failed, [text('again?')])), 'user: [a.png] [b.png] again?');
  assert.equal(shown(failed, withPending(failed, failed.unanswered!)), 'user: [a.png] [b.png] what?');
});

test('a turn that is taken back leaves its question and its pictures', () => {
  const before = after(attached);
  const question = withPending(before, [text('what?')]);
  const session = [{ kind: 'answered', question, answer: said('cats') }, { kind: 'taken back' }] satisfies Change[];
  const back = session.reduce<Session>(changed, before);
  assert.deepEqual(back.turns, []);
  assert.deepEqual(back.unanswered, question);
  assert.deepEqual(
    allPictures(back).map(({ number }) => number),
    [1, 2],
  );
});

test('a dropped picture is gone from every turn, and its number is not given again', () => {
  const first = after(attached);
  const question = withPending(first, [text('what?')]);
  const session = changed(changed(first, { kind: 'answered', question, answer: said('cats') }), {
    kind: 'picture dropped',
    number: 1,
  });
  assert.equal(shown(session), 'user: [b.png] what? | assistant: cats');
  const more = changed(session, { kind: 'attached', pictures: [picture('c.png')] });
  assert.equal(more.pending[0]!.number, 3);
});

test('a dropped turn takes its answer along; a system prompt stands first', () => {
  const session = after(
    { kind: 'answered', question: [text('one')], answer: said('1') },
    { kind: 'answered', question: [text('two')], answer: said('2') },
    { kind: 'system', text: 'Be brief.' },
    { kind: 'turn dropped', turn: 1 },
  );
  assert.equal(shown(session), 'system: Be brief. | user: two | assistant: 2');
});
