import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decisionSummary } from '../../src/output/decision-summary.ts';
import type { Decision } from '../../src/asking/decisions/decision.ts';

const decision = (name: string, type: Decision['type'], choice: string, more: Partial<Decision> = {}): Decision => ({
  name,
  type,
  choice,
  value: 0.9,
  probabilities: {},
  mass: 0.9,
  argmaxIsOption: true,
  orderEffect: undefined,
  temperature: 1,
  unsure: false,
  ...more,
});

test('each question has a line: how many were answered, what came out, and how much was unsure', () => {
  const summary = decisionSummary();
  for (const choice of ['yes', 'yes', 'no']) summary.add([decision('person', 'predicate', choice)]);
  for (const value of [2, 3]) summary.add([decision('damage', 'score', String(value), { value, mass: 0.8 })]);
  summary.add([decision('damage', 'score', '5', { value: 5, mass: 0.02, unsure: true })]);
  assert.equal(
    summary.text(),
    `question  answered  unsure  mean mass  answers
person    3         0       0.900      yes 2, no 1
damage    3         1       0.540      mean 2.50: 2 1, 3 1
damage: its options have 54 % of the probability; the model would say something else: try other words, or --labels letters
`,
  );
});

test('many options and many questions do not make a long table, and nothing is lost in silence', () => {
  const summary = decisionSummary();
  for (let option = 0; option < 200; option++) summary.add([decision('kind', 'choice', `o${option}`)]);
  for (let record = 0; record < 1000; record++) summary.add([decision(`q\u001b${record}`, 'predicate', 'yes')]);
  const lines = summary.text().trimEnd().split('\n');
  assert.equal(lines.length, 1 + 50 + 1);
  assert.match(lines[1]!, /o0 1, o1 1, o2 1, o3 1, o4 1, o5 1, others 194$/);
  assert.match(lines[2]!, /^q\u241b0 /);
  assert.equal(lines.at(-1), 'and 951 answers to questions of other names');
  assert.equal(decisionSummary().text(), '');
});
