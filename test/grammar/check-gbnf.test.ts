import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkGbnf } from '../../src/grammar/check-gbnf.ts';

const right: Record<string, string> = {
  'a list of answers': 'root ::= "yes" | "no"',
  'rules over several lines, with comments':
    '# answers\nroot ::= (\n  item # one\n  ("," item)*\n)\nitem ::=\n  [a-z]+ |\n  "-"\n',
  'every way to repeat': 'root ::= "a"* "b"+ "c"? "d"{3} "e"{1,} "f"{0,2} . [^\\]\\x41\\u00e9-] "\\U0001F600"',
  'recursion that moves on': 'root ::= "(" root ")" | "x" root?',
};
for (const [what, text] of Object.entries(right)) {
  test(`${what}: accepted`, () => assert.doesNotThrow(() => checkGbnf(text, 'x.gbnf')));
}

const wrong: [what: string, text: string, says: RegExp][] = [
  ['no root', 'answer ::= "a"', /^x\.gbnf: no rule named root/],
  ['nothing', '', /no rule named root/],
  ['a rule that is not there', 'root ::= "a" |\n  item', /^x\.gbnf: line 2, column 3: there is no rule named item$/],
  ['a string without end', 'root ::= "a', /line 1, column 12: the grammar ends before this does/],
  ['an escape that there is not', 'root ::= "\\d"', /column 11: an escape that GBNF does not have/],
  ['a bracket without end', 'root ::= ("a" | "b"', /expected \)/],
  ['limits the wrong way round', 'root ::= "a"{3,2}', /column 13: \{3,2\}: the second number is less/],
  ['a limit that llama.cpp takes for none', 'root ::= "a"{1,5000}', /expected at most 2000/],
  ['a repetition of nothing', 'root ::= * "a"', /nothing stands before this repetition/],
  ['a rule that begins with itself', 'root ::= root "a" | "b"', /the rule root begins with itself/],
  [
    'one that does so behind rules that may be nothing',
    'root ::= x root "a" | "b"\nx ::= y y\ny ::= "c"?',
    /begins with itself/,
  ],
  ['nothing without end', 'root ::= ("a"?)* "b"', /column 16: repeats without end what may be nothing/],
  ['a rule that never ends', 'root ::= "a" root', /the rule root never ends/],
  ['a token', 'root ::= <[5]>', /tokens \(<\.\.\.>\) cannot be named here/],
  ['two rules on a line', 'root ::= "a" x ::= "b"', /expected the end of the rule/],
  ['very deep brackets', `root ::= ${'('.repeat(5000)}"a"${')'.repeat(5000)}`, /nested 100 deep/],
];
for (const [what, text, says] of wrong) {
  test(`${what}: refused with its place`, () => {
    assert.throws(() => checkGbnf(text, 'x.gbnf'), { code: 'input', message: says });
  });
}

const many = (count: number, part: (index: number) => string, joint: string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(joint);

for (const [what, grammar, says] of [
  ['rules', many(50_000, (at) => `r${at} ::= r${at + 1}`, '\n'), /expected at most 1000 rules/],
  ['alternatives', `root ::= ${many(100_000, (at) => `"w${at}"`, ' | ')}`, /expected at most 60000 alternatives/],
  ['repetitions of one thing', `root ::= "a"${'*'.repeat(100_000)}`, /more than 100 repetitions of one thing/],
  ['parentheses', `root ::= ${'('.repeat(100_000)}`, /parentheses are nested 100 deep/],
  ['blanks in a repetition', `root ::= "a"{1,${' '.repeat(300_000)}`, /expected \{n\}, \{n,\} or \{n,m\}/],
  ['blanks and comments', `${'# \n '.repeat(200_000)}root`, /expected ::=/],
] as const) {
  test(`a grammar of very many ${what} is refused`, () => {
    assert.throws(() => checkGbnf(grammar, 'g'), { code: 'input', message: says });
  });
}

test('a grammar with much space between its parts, and long bounded repetitions, is none of these', () => {
  const members = many(100, (at) => `ws "k${at}" ws ":" ws [a-z]{0,200} ws`, ' "," ');
  checkGbnf(`root ::= "{" ${members} "}"\nws ::= [ \\t\\n]*`, 'g');
});
