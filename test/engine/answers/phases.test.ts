import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerMatcher } from '../../../src/engine/answers/answer-matcher.ts';
import { Phases, marksOf } from '../../../src/engine/answers/phases.ts';
import { isAllowed } from '../../../src/grammar/token-masks.ts';
import { tekken } from '../../helpers/tekken.ts';

const v13 = tekken('v13');
const [think, endThink, calls] = ['[THINK]', '[/THINK]', '[TOOL_CALLS]'].map((name) => v13.id(name)) as [
  number,
  number,
  number,
];
const text = v13.encode('[/THINK] yes');

test('thoughts and calls are told by ids; what looks like a mark is text', () => {
  const phases = new Phases(marksOf(v13, { withTools: true }), 'text');
  const parts = [think, ...text, endThink, ...text, calls, ...text, think].map((id) => phases.push(id));
  assert.deepEqual(new Set(parts.slice(1, 1 + text.length)), new Set(['thinking']));
  assert.equal(parts[1 + text.length], 'mark');
  assert.deepEqual(new Set(parts.slice(2 + text.length, 2 + 2 * text.length)), new Set(['text']));
  assert.deepEqual(new Set(parts.slice(2 + 2 * text.length)), new Set(['calls']));
});

test('without tools a call is text, and a model without marks never thinks', () => {
  const phases = new Phases(marksOf(v13, { withTools: false }), 'text');
  assert.equal(phases.push(calls), 'text');
  assert.deepEqual(marksOf(tekken('v7'), { withTools: true }), { think: undefined, endThink: undefined, calls });
});

/** Allows the one token that it is given, and remembers what it was told. */
function oneToken(only: number) {
  const told: number[] = [];
  const mask = new Uint32Array(Math.ceil(v13.vocabularySize / 32));
  mask[only >>> 5]! |= 1 << (only & 31);
  return {
    told,
    form: {
      mask: () => mask,
      accept: (id: number) => void told.push(id),
      isFinished: false,
      forced: () => ({ bytes: Buffer.from('yes'), ends: true }),
    },
  };
}

const end = v13.id('</s>');
const rules = (form: ReturnType<typeof oneToken>['form'], forbidden: number[] = []) => ({
  vocabularySize: v13.vocabularySize,
  ends: [end],
  marks: marksOf(v13, { withTools: true }),
  forbidden,
  beginning: 'text' as const,
  form,
});

test('a form begins behind the thoughts, which may not end the answer, or gives way to calls', () => {
  const { form, told } = oneToken(text[0]!);
  const matcher = new AnswerMatcher(rules(form));
  const allows = (id: number): boolean => isAllowed(matcher.mask(), id);
  assert.deepEqual([text[0]!, think, calls, text[1]!, end].map(allows), [true, true, true, false, false]);
  assert.equal(matcher.forced(100).bytes.length, 0);
  matcher.accept(think);
  assert.deepEqual([text[0]!, text[1]!, endThink, end].map(allows), [true, true, true, false]);
  matcher.accept(text[1]!);
  matcher.accept(endThink);
  assert.deepEqual([text[0]!, text[1]!].map(allows), [true, false]);
  matcher.accept(text[0]!);
  assert.deepEqual(told, [text[0]]);
  assert.deepEqual([think, calls].map(allows), [false, false]);
  assert.equal(matcher.forced(100).bytes.length, 3);
});

test('what is forbidden does not come, and then the form leaves no choice at once', () => {
  const { form } = oneToken(text[0]!);
  const matcher = new AnswerMatcher(rules(form, [think, calls]));
  assert.deepEqual(
    [think, calls].map((id) => isAllowed(matcher.mask(), id)),
    [false, false],
  );
  assert.equal(matcher.forced(100).bytes.length, 3);
  const free = new AnswerMatcher({ ...rules(form, [think]), form: undefined });
  assert.deepEqual(
    [think, calls, end].map((id) => isAllowed(free.mask(), id)),
    [false, true, true],
  );
});
