import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readQuestions } from '../../src/wires/question-json.ts';
import { checkQuestions, parseQuestion } from '../../src/wires/question-text.ts';

const options = (...values: string[]) => values.map((value) => ({ value }));

test('questions are typed as they are meant', () => {
  assert.deepEqual(parseQuestion('Is a person visible?', 2), {
    type: 'predicate',
    name: 'q2',
    instructions: 'Is a person visible?',
  });
  assert.deepEqual(parseQuestion('person=Is a person visible?', 1), {
    type: 'predicate',
    name: 'person',
    instructions: 'Is a person visible?',
  });
  assert.deepEqual(parseQuestion('kind=receipt | letter|other: What is this?', 1), {
    type: 'choice',
    name: 'kind',
    instructions: 'What is this?',
    options: options('receipt', 'letter', 'other'),
  });
  assert.deepEqual(parseQuestion('damage=1..5: How badly: torn?', 1), {
    type: 'score',
    name: 'damage',
    instructions: 'How badly: torn?',
    levels: options('1', '2', '3', '4', '5'),
  });
  assert.deepEqual(parseQuestion('small<large: How big?', 1), {
    type: 'score',
    name: 'q1',
    instructions: 'How big?',
    levels: options('small', 'large'),
  });
  assert.deepEqual(parseQuestion('Größe=a|b: Wie?', 1).name, 'Größe');
  assert.deepEqual(parseQuestion('a|b:Which?', 1).type, 'choice');
  assert.deepEqual(parseQuestion('x=1|x=2: Which?', 1).name, 'x');
});

test('a colon, a question mark or an equals sign in the question are its own', () => {
  assert.deepEqual(parseQuestion('Which one: left | right?', 1).type, 'predicate');
  assert.deepEqual(parseQuestion('Is it 1..5? Say: yes', 1).type, 'predicate');
  assert.deepEqual(parseQuestion('Is 2+2=4 printed on it?', 1).type, 'predicate');
});

test('colons in options are theirs', () => {
  for (const [text, ...values] of [
    ['shape=16:9|4:3: Which shape has it?', '16:9', '4:3'],
    ['09:00|17:30|later: When? Say: when', '09:00', '17:30', 'later'],
    ['a:b|c:\nWhich?', 'a:b', 'c'],
  ] as const) {
    const question = parseQuestion(text, 1);
    assert.deepEqual(question.type === 'choice' && question.options, options(...values), text);
  }
});

test('a name that is none is not taken for a part of an option', () => {
  for (const [text, name] of [
    ['=yes|no: Is it?', ''],
    ['my kind=a|b: Which?', 'my kind'],
    ['1st=1..5: How bad?', '1st'],
    ['=Is it red?', ''],
  ] as const) {
    assert.throws(() => parseQuestion(text, 1), { message: new RegExp(`has ${JSON.stringify(name)} for its name`) });
  }
});

for (const text of ['', 'kind=a|b:', 'k=a:b| d |: What?', 'a||b: c', 'a|a: c', '5..1: c', '1..40: c', '1..x: c']) {
  test(`${JSON.stringify(text)} is refused`, () => assert.throws(() => parseQuestion(text, 1), { code: 'usage' }));
}

test("questions are read as OpenAI's Decisions API writes them", () => {
  const questions = readQuestions(
    [
      { type: 'predicate', name: 'person', instructions: 'Is one visible?' },
      {
        type: 'choice',
        instructions: 'What?',
        choices: [{ value: 'a', description: 'the first' }, { value: true }, 'c'],
      },
      { type: 'score', name: 's', instructions: 'How?', levels: ['low', 'high'] },
      'x=a|b: Which?',
    ],
    'q.json',
  );
  assert.deepEqual(
    questions.map(({ name, type }) => [name, type]),
    [
      ['person', 'predicate'],
      ['q2', 'choice'],
      ['s', 'score'],
      ['x', 'choice'],
    ],
  );
  assert.deepEqual(questions[1]!.type === 'choice' && questions[1]!.options, [
    { value: 'a', description: 'the first' },
    { value: 'true', description: undefined, boolean: true },
    { value: 'c', description: undefined },
  ]);
});

test('what is wrong with a question is said with its place', () => {
  assert.throws(() => readQuestions([{ type: 'pick', instructions: 'x' }], 'q.json'), {
    message: /^q\.json\[0\]: type: is "pick", expected/,
  });
  assert.throws(() => readQuestions([{ type: 'choice', instructions: 'x', choices: ['a'] }], 'q'), {
    message: /has 1 options, expected 2 to 255/,
  });
  assert.throws(() => readQuestions([], 'q'), { message: /expected a list of questions/ });
  assert.throws(() => checkQuestions([parseQuestion('a=x', 1), parseQuestion('a=y', 2)]), {
    message: /a: is there twice/,
  });
});
