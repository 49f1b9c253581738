import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuestion } from '../../src/wires/question-text.ts';
import { holds as conditionHolds } from '../../src/asking/decisions/condition.ts';
import type { Decision } from '../../src/asking/decisions/decision.ts';
import { parseWhere } from '../../src/cli/decide/where.ts';

const questions = ['person=Is one visible?', 'kind=receipt|letter of credit|7: What?', 'damage=1..5: How bad?'].map(
  parseQuestion,
);
const decision = (
  name: string,
  type: Decision['type'],
  value: number,
  probabilities: Record<string, number>,
): Decision => {
  const [choice] = Object.entries(probabilities).reduce((best, one) => (one[1] > best[1] ? one : best));
  const read = { mass: 1, argmaxIsOption: true, orderEffect: undefined, temperature: 1, unsure: false };
  return { name, type, value, choice, probabilities, ...read };
};
const values: Record<string, Decision> = {
  person: decision('person', 'predicate', 0.8, { yes: 0.8, no: 0.2 }),
  kind: decision('kind', 'choice', 0.6, { receipt: 0.6, 'letter of credit': 0.3, 7: 0.1 }),
  damage: decision('damage', 'score', 3.4, { 1: 0, 2: 0, 3: 0.7, 4: 0.2, 5: 0.1 }),
};
const holds = (text: string, known: Record<string, Decision> = values) =>
  conditionHolds(parseWhere(text, questions), Object.values(known));

for (const [text, expected] of Object.entries({
  'person>0.5': true,
  'person > 0.8': false,
  'person>=0.8': true,
  person: true,
  '!person': false,
  'not person or damage<4': true,
  'kind=receipt': true,
  'kind!=receipt': false,
  'kind="letter of credit"': false,
  'kind.receipt>0.5 && kind.7<=0.1': true,
  'kind=7': false,
  'damage=3': true,
  'damage>3.3 and damage<3.5': true,
  'person=yes': true,
  'person>0.9 || kind=receipt && damage>4': false,
  '(person>0.9 || kind=receipt) && damage>3': true,
  '!(person>0.5 && damage>4)': true,
})) {
  test(`${text} is ${expected}`, () => assert.equal(holds(text), expected));
}

test('what decides no more is not asked, from left to right', () => {
  const { person } = values as { person: Decision };
  assert.deepEqual(holds('person>0.5 && kind=receipt', {}), { ask: 'person' });
  assert.deepEqual(holds('person>0.5 && kind=receipt', { person }), { ask: 'kind' });
  assert.equal(holds('person>0.9 && kind=receipt', { person }), false);
  assert.equal(holds('person>0.5 || kind=receipt', { person }), true);
});

test('an unsure answer matches nothing, whatever it is compared with, and neither does its opposite', () => {
  const kind = { ...values['kind']!, unsure: true };
  for (const text of [
    'kind=receipt',
    'kind!=receipt',
    'kind.receipt>0',
    'kind>0',
    'kind<2',
    '!kind=receipt',
    'not (kind=7)',
  ])
    assert.equal(holds(text, { kind }), 'unsure');
  const known = { ...values, kind };
  assert.equal(holds('kind=7 || person>0.5', known), true);
  assert.equal(holds('kind=7 && person>0.5', known), 'unsure');
  assert.equal(holds('kind=7 && person>0.9', known), false);
  assert.equal(holds('!(kind=7 || person>0.9)', known), 'unsure');
});

test('what decides no more is not asked within not and brackets either', () => {
  const { person, damage } = values as { person: Decision; damage: Decision };
  assert.equal(holds('!(person>0.5 || kind=receipt)', { person }), false);
  assert.equal(holds('not (person>0.9 and kind=receipt)', { person }), true);
  assert.deepEqual(holds('not (person>0.9 or kind=receipt)', { person }), { ask: 'kind' });
  assert.deepEqual(holds('(person>0.9 || damage>3) && kind=7', { person }), { ask: 'damage' });
  assert.deepEqual(holds('(person>0.9 || damage>3) && kind=7', { person, damage }), { ask: 'kind' });
  assert.equal(holds('(person>0.9 || damage>4) && kind=7', { person, damage }), false);
  assert.equal(holds('person>0.5 || kind=receipt && damage>3', { person }), true);
});

test('a comparison without a name is of the only question', () => {
  const only = parseWhere('>0.7', [questions[0]!]);
  assert.equal(conditionHolds(only, [values['person']!]), true);
  assert.throws(() => parseWhere('>0.7', questions), { code: 'usage', message: /lacks the name of a question/ });
});

for (const text of [
  '',
  'person>',
  'persons>1',
  'person>x',
  'kind>receipt',
  'kind.letter>1',
  '(person',
  'person)',
  'person &',
  'person>1 2',
  '('.repeat(5000),
]) {
  test(`${JSON.stringify(text.slice(0, 20))} is refused with what is wrong`, () => {
    assert.throws(() => parseWhere(text, questions), { name: 'PixtralError', code: 'usage', message: /^--where / });
  });
}

test('a wrong expression is told one about the questions that were asked, which holds what it says', () => {
  const hintOf = (asked: typeof questions): string => {
    let hint = '';
    assert.throws(
      () => parseWhere('nothing', asked),
      (thrown: { hint: string }) => (hint = thrown.hint) !== '',
    );
    return hint;
  };
  assert.equal(hintOf(questions), "for example 'person>0.5 && kind=receipt && damage>=2'");
  assert.equal(hintOf([parseQuestion('Is it torn?', 0)]), "for example '>0.5'");
  for (const asked of [questions, ...questions.map((question) => [question])]) {
    const [, example] = /^for example '(.*)'$/.exec(hintOf(asked))!;
    assert.ok([true, false].includes(conditionHolds(parseWhere(example!, asked), Object.values(values)) as boolean));
  }
});
