import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { schemaFormat } from '../../src/grammar/answer-format.ts';
import { Automaton, type GrammarState } from '../../src/grammar/automaton.ts';
import { checkGbnf } from '../../src/grammar/check-gbnf.ts';
import type { Json } from '../../src/grammar/schema.ts';
import { schemaValidator } from '../../src/grammar/validate.ts';
import { gbnfWriter, seededPick } from '../helpers/gbnf-writer.ts';
import { schemas } from '../helpers/schemas.ts';

const formatOf = (schema: Json) => schemaFormat(JSON.stringify(schema), 'test.json');

const textsOf = (schema: Json, count = 200): Set<string> => {
  const write = gbnfWriter(formatOf(schema).grammar);
  const pick = seededPick(1);
  return new Set(Array.from({ length: count }, () => write(pick)));
};

test('every text that the grammar of a random schema writes is a value that the schema allows', () => {
  const property = fc.property(schemas, fc.integer(), (schema, seed) => {
    const { grammar } = formatOf(schema);
    const write = gbnfWriter(grammar);
    const validate = schemaValidator(schema);
    const pick = seededPick(seed);
    for (let count = 0; count < 12; count++) {
      const text = write(pick);
      assert.equal(validate(JSON.parse(text) as Json), undefined, text);
    }
    checkGbnf(grammar, 'ours');
  });
  fc.assert(property, { numRuns: 300 });
});

test('a property may be named as what every object has', () => {
  const properties = { toString: { enum: [[]] }, valueOf: { const: {} } };
  const allows = schemaValidator({ anyOf: [{ enum: [{}] }, { type: 'object', properties }] });
  assert.equal(allows(JSON.parse('{"toString":[],"valueOf":{}}') as Json), undefined);
  assert.match(allows(JSON.parse('{"toString":[1]}') as Json) ?? '', /enum/);
});

test('each pattern of a schema is compared with the text beside it', () => {
  const properties = { a: { pattern: '^a$' }, b: { pattern: '^b$' } };
  const allows = schemaValidator({ type: 'object', properties });
  assert.equal(allows({ a: 'a', b: 'b' }), undefined);
  assert.match(allows({ a: 'a', b: 'a' }) ?? '', /^#\/b must match pattern/);
});

test('properties come in the order of the schema, and those that are not required may be left out', () => {
  const properties = { b: { const: 1 }, a: { const: 2 } };
  const texts = (required: string[]) =>
    new Set([...textsOf({ type: 'object', properties, required })].map((text) => text.replaceAll(' ', '')));
  assert.deepEqual(texts(['b', 'a']), new Set(['{"b":1,"a":2}']));
  assert.deepEqual(texts(['a']), new Set(['{"b":1,"a":2}', '{"a":2}']));
  assert.deepEqual(texts([]), new Set(['{}', '{"b":1}', '{"a":2}', '{"b":1,"a":2}']));
});

test('whitespace is at most one space after a comma or a colon', () => {
  const texts = textsOf({ type: 'object', properties: { a: { const: 1 }, b: { const: 2 } }, required: ['a', 'b'] });
  assert.deepEqual(
    texts,
    new Set(['', ' '].flatMap((x) => ['', ' '].flatMap((y) => ['', ' '].map((z) => `{"a":${x}1,${y}"b":${z}2}`)))),
  );
});

test('every whole number of a range can be written, and no other', () => {
  const bound = fc.integer({ min: -1200, max: 1200 });
  const property = fc.property(bound, bound, (one, other) => {
    const [minimum, maximum] = [Math.min(one, other), Math.max(one, other)];
    const [, body] = /^r\d+ ::= (.*)$/m.exec(formatOf({ type: 'integer', minimum, maximum }).grammar)!;
    const pattern = new RegExp(`^(${body!.replaceAll('digit', '[0-9]').replaceAll(/[" ]/g, '')})$`);
    for (let value = -1300; value <= 1300; value++) {
      assert.equal(pattern.test(String(value)), value >= minimum && value <= maximum, `${value} as ${pattern}`);
    }
  });
  fc.assert(property, { numRuns: 60 });
});

/** Tells whether a grammar has this very text. */
function readerOf(grammar: string): (text: string) => boolean {
  const automaton = new Automaton(grammar, { reach: 76 });
  return (text) => {
    let state: GrammarState | null = automaton.start();
    for (const byte of Buffer.from(text)) state = state && automaton.step(state, byte);
    return state?.mayEnd ?? false;
  };
}

test('decimals are within bounds that are not whole, and every one that is can be written', () => {
  const bound = fc.integer({ min: -250, max: 250 }).map((hundredths) => hundredths / 100);
  const property = fc.property(bound, bound, fc.boolean(), fc.boolean(), (one, other, isAbove, isBelow) => {
    const [min, max] = [Math.min(one, other), Math.max(one, other)];
    fc.pre(min < max);
    const bounds = {
      ...(isAbove ? { exclusiveMinimum: min } : { minimum: min }),
      ...(isBelow ? { exclusiveMaximum: max } : { maximum: max }),
    };
    const accepts = readerOf(formatOf({ type: 'number', ...bounds }).grammar);
    for (let thousandths = -2600; thousandths <= 2600; thousandths += 5) {
      const value = thousandths / 1000;
      const isIn = (isAbove ? value > min : value >= min) && (isBelow ? value < max : value <= max);
      assert.equal(accepts(String(value)), isIn, `${value} in ${JSON.stringify(bounds)}`);
    }
  });
  fc.assert(property, { numRuns: 25 });
});

const described: [what: string, schema: Json, right: string[], wrong: string[]][] = [
  ['a pattern', { type: 'string', pattern: '^[A-Z]{2}\\d+$' }, ['"AB1"'], ['"A1"', '"AB"', '"AB1x"']],
  ['one without anchors', { type: 'string', pattern: 'b+' }, ['"b"', '"abbc"', '"\\nb"'], ['"a"', '""']],
  ['anchors in a group', { type: 'string', pattern: '^(?:a|b)$' }, ['"a"'], ['"ab"']],
  ['signs that JSON escapes', { type: 'string', pattern: '^["\\\\]$' }, ['"\\""', '"\\\\"'], ['"x"']],
  ['signs escaped without need', { type: 'string', pattern: '^\\d\\-[\\w-.]\\@$' }, ['"1-.@"'], ['"1-/@"', '"1.a@"']],
  ['braces that repeat nothing', { type: 'string', pattern: '^{a}$' }, ['"{a}"'], ['"a"']],
  ['a name in a pattern', { type: 'string', pattern: '\\A(?P<y>\\d)\\z' }, ['"1"'], ['"A1"', '"11"']],
  [
    'a decimal of pydantic',
    { type: 'string', pattern: '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d{0,2}0*$' },
    ['"0"', '"-12.50"', '"7"'],
    ['"."', '"1.234"', '""'],
  ],
  [
    'one of so many digits',
    { type: 'string', pattern: '^(?!^[-+.]*$)[+-]?0*(?:\\d{0,3}|(?=[\\d.]{1,6}0*$)\\d{0,3}\\.\\d{0,2}0*$)' },
    ['"123.45"', '"0.5"'],
    ['"1234"', '"1.234"'],
  ],
  [
    'one of so many digits in all',
    { type: 'string', pattern: '^(?!^[-+.]*$)[+-]?0*(?:\\d{0,3}|(?=[\\d.]{1,4}0*$)\\d*\\.\\d*0*$)' },
    ['"123"', '"12.3"', '"0.123"'],
    ['"12.34"', '"1234"'],
  ],
  [
    'a date of a year that there was',
    { format: 'date' },
    ['"0001-01-01"', '"2000-02-29"'],
    ['"0000-02-29"', '"1900-02-29"'],
  ],
  [
    'a uuid of version 4',
    { type: 'string', format: 'uuid4' },
    ['"676e17bc-1c7a-46a3-9eb3-850ece2998df"'],
    ['"676e17bc-1c7a-16a3-9eb3-850ece2998df"', '"676e17bc-1c7a-46a3-7eb3-850ece2998df"'],
  ],
  [
    'a network',
    { type: 'string', format: 'ipv4network' },
    ['"10.128.0.0/9"', '"0.0.0.0/0"'],
    ['"10.1.0.0/9"', '"1.2.3.4/33"'],
  ],
  ['either address', { type: 'string', format: 'ipvanyaddress' }, ['"1.2.3.4"', '"1:2:3:4:5:6:7:8"'], ['"1.2.3"']],
  ['base64', { type: 'string', format: 'base64' }, ['"TWE="', '"TQ=="', '""'], ['"TWE"', '"TWF=a"', '"T_E="']],
  ['an address with a name', { format: 'name-email' }, ['"Jürgen <a@b.de>"', '"a@b.de"'], ['"Jürgen"']],
  ['a text that holds JSON', { type: 'string', contentSchema: { type: 'array' } }, ['"[]"'], ['[]']],
  ['how a number is stored', { type: 'integer', format: 'int32', maximum: 9 }, ['9'], ['10', '1.5']],
  ['an empty list', { type: 'array', prefixItems: [], items: false }, ['[]'], ['[1]']],
  [
    'names of a pattern',
    { type: 'object', patternProperties: { '^[a-z]$': { const: 1 } } },
    ['{"q":1}', '{}'],
    ['{"Q":1}', '{"q":2}'],
  ],
  [
    'a list of items, as older drafts had',
    { items: [{ const: 1 }], additionalItems: { const: 2 }, minItems: 1 },
    ['[1]', '[1,2,2]'],
    ['[]', '[2]'],
  ],
  ['no more items, as older drafts had', { items: [{ const: 1 }], additionalItems: false }, ['[1]'], ['[1,2]']],
  [
    'a bound excluded, as draft 4 had',
    { type: 'integer', minimum: 1, exclusiveMinimum: true, maximum: 3, exclusiveMaximum: false },
    ['2', '3'],
    ['1'],
  ],
  [
    'nullable, as OpenAPI 3.0 has',
    { properties: { a: { type: 'integer', nullable: true, enum: [1] } } },
    ['{"a":null}', '{"a":1}'],
    ['{"a":2}'],
  ],
  [
    'a property named nullable',
    { properties: { nullable: { const: true }, items: { const: [1] } } },
    ['{"nullable":true,"items":[1]}'],
    ['null'],
  ],
  [
    'a decimal with bounds and digits',
    {
      anyOf: [
        { type: 'number', minimum: 0 },
        {
          type: 'string',
          pattern: '^(?!^[-+.]*$)[+-]?0*(?:\\d{0,3}|(?=[\\d.]{1,6}0*$)\\d{0,3}\\.\\d{0,2}0*$)',
        },
      ],
    },
    ['0', '7.5', '999.99'],
    ['-1', '1000', '1.234', '"7.5"'],
  ],
  [
    'a decimal with digits alone',
    { anyOf: [{ type: 'number' }, { type: 'string', pattern: '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d{0,0}0*$' }] },
    ['-12', '"-12"'],
    ['1.5', '"1.5"'],
  ],
  [
    'cents between bounds that are none',
    { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 100000, multipleOf: 0.01 },
    ['0.01', '0.1', '99999.99', '1', '5.5'],
    ['0', '0.00', '100000', '1.234'],
  ],
  [
    'cents below zero too',
    { type: 'number', minimum: -100000, exclusiveMaximum: 100000, multipleOf: 0.01 },
    ['-100000', '-0.01', '0', '-5.25'],
    ['100000', '-100000.01'],
  ],
  [
    'rounds of what may be nothing',
    { type: 'string', pattern: '^(a?b?)*$' },
    ['""', '"ab"', '"bba"'],
    ['"c"', '"abc"'],
  ],
  ['rounds of nothing or something', { type: 'string', pattern: '^(|a|b)+x$' }, ['"x"', '"abx"'], ['"a"', '"xx"']],
  ['rounds of rounds', { type: 'string', pattern: '^(?:\\s*\\w*)*$' }, ['""', '"a b"', '" "'], ['"-"']],
  ['rounds of nothing at all', { type: 'string', pattern: '^a(?:)*$' }, ['"a"'], ['"aa"']],
  [
    'a length of what repeats',
    { type: 'string', pattern: '^[A-Z]+$', minLength: 2, maxLength: 3 },
    ['"AB"', '"ABC"'],
    ['"A"', '"ABCD"'],
  ],
  [
    'a length of what is open',
    { type: 'string', pattern: '^IB.*', minLength: 4, maxLength: 5 },
    ['"IBxy"', '"IBxyz"', '"IB\\nx"'],
    ['"IBx"', '"IBxyzz"'],
  ],
  [
    'a length that one way has',
    { type: 'string', pattern: '^(?:ab|(?:cd){2,})$', minLength: 5 },
    ['"cdcdcd"'],
    ['"ab"', '"cdcd"'],
  ],
  ['a length in two parts', { type: 'string', pattern: '^a+b+$', maxLength: 3 }, ['"aab"', '"abb"'], ['"a"']],
  [
    'a beginning, a middle and an end',
    { allOf: [{ type: 'string', pattern: '^a.*' }, { pattern: '\\+' }, { pattern: '.*z$' }] },
    ['"a+z"', '"a1+2z"'],
    ['"az"', '"a+"', '"+z"'],
  ],
  [
    'multiples of two numbers',
    { allOf: [{ type: 'integer', multipleOf: 4 }, { multipleOf: 10 }] },
    ['20', '0', '-40'],
    ['10', '4'],
  ],
  [
    'cents from zero on',
    { type: 'number', minimum: 0, multipleOf: 0.01 },
    ['0.05', '12.50', '1999.99', '0.00'],
    ['-1.00', '1.234'],
  ],
  ['cents above zero', { type: 'number', exclusiveMinimum: 0, multipleOf: 0.01 }, ['0.05', '12.50'], ['0.00', '-1.00']],
  [
    'cents of a range',
    { type: 'number', minimum: 0, maximum: 100000, multipleOf: 0.01 },
    ['0.05', '99999.99', '100000', '7'],
    ['100000.01', '1.234', '-1'],
  ],
  ['a whole number by its multiples', { type: 'number', multipleOf: 1 }, ['7', '-12'], ['0.5']],
  ['thousands', { type: 'number', multipleOf: 1000 }, ['7000', '0'], ['700', '7000.5']],
  [
    'fours from eight on',
    { type: 'integer', multipleOf: 4, minimum: 8, maximum: 9007199254740991 },
    ['8', '12', '128'],
    ['4', '0', '130', '-8'],
  ],
  [
    'minutes of a day',
    { type: 'integer', minimum: 0, maximum: 86400, multipleOf: 60 },
    ['0', '60', '86400'],
    ['61', '86460'],
  ],
  ['multiples', { type: 'integer', multipleOf: 5 }, ['0', '15', '-120'], ['7', '12']],
  ['halves', { type: 'number', multipleOf: 0.5 }, ['0.5', '12.0'], ['0.25']],
  [
    'the largest whole number',
    { type: 'integer', maximum: 9007199254740991 },
    ['9007199254740991'],
    ['9007199254740992'],
  ],
  ['allOf', { allOf: [{ type: 'integer', minimum: 3 }, { maximum: 5 }] }, ['4'], ['6', '2']],
  [
    'names from a list',
    { propertyNames: { enum: ['p'] }, additionalProperties: { const: 1 } },
    ['{"p":1}'],
    ['{"q":1}'],
  ],
  [
    'a count of properties',
    { type: 'object', minProperties: 1, additionalProperties: { const: 1 } },
    ['{"q":1}'],
    ['{}'],
  ],
  ['a property that must not be', { properties: { a: { not: {} }, b: { const: 1 } } }, ['{"b":1}', '{}'], ['{"a":1}']],
];

for (const [what, schema, right, wrong] of described) {
  test(`${what}: what fits can be written, what does not cannot`, () => {
    const format = formatOf(schema);
    const accepts = readerOf(format.grammar);
    assert.ok(format.kind === 'json');
    for (const text of right) {
      assert.ok(accepts(text), text);
      assert.equal(format.problem(JSON.parse(text) as Json), undefined, text);
    }
    for (const text of wrong) assert.ok(!accepts(text), text);
  });
}

test('values without properties, items or a type are free', () => {
  assert.match(formatOf({}).grammar, /^root ::= value$/m);
  assert.match(formatOf({ type: 'object' }).grammar, /key-char/);
  assert.match(formatOf({ type: 'array' }).grammar, /value/);
  assert.doesNotMatch(formatOf({ properties: { a: { type: 'null' } } }).grammar, /value|key-char/);
});

const refused: [what: string, schema: Json, says: RegExp][] = [
  [
    'an unknown keyword',
    { unevaluatedItems: false },
    /test\.json: #\/unevaluatedItems: the keyword unevaluatedItems is not/,
  ],
  [
    'a pattern that looks ahead',
    { type: 'string', pattern: '^(?=a)b$' },
    /#\/pattern: .*\(\?=a\) cannot be turned into a/,
  ],
  ['a pattern that is none', { type: 'string', pattern: '(' }, /#\/pattern: "\(": /],
  [
    'a deep one',
    { properties: { a: { items: { not: { type: 'null' } } } } },
    /#\/properties\/a\/items\/not: the keyword not is not/,
  ],
  [
    'a keyword of another type',
    { type: 'string', minimum: 1 },
    /#\/minimum: the keyword minimum cannot be used with type/,
  ],
  ['a reference to itself beside others', { $ref: '#', minItems: 1 }, /#: refers to itself/],
  ['a format it does not know', { format: 'e-mail' }, /#\/format: the format "e-mail" is not supported, expected date/],
  ['a type that there is not', { type: 'int' }, /#\/type: is "int", expected string/],
  ['a reference to nowhere', { $ref: '#/$defs/a' }, /#\/\$ref: #\/\$defs\/a is not in the document/],
  ['a reference to a file', { $ref: 'a.json' }, /#\/\$ref: is "a\.json", expected a place in this document/],
  ['a reference to itself', { $ref: '#' }, /#: refers to itself/],
  ['a value without end', { properties: { a: { $ref: '#' } }, required: ['a'] }, /#: has no value that ever ends/],
  ['a range without numbers', { type: 'integer', minimum: 2, maximum: 1 }, /#: no number is from 2 to 1/],
  ['a bound that is a text', { type: 'number', minimum: '1' }, /#\/minimum: is "1", expected a number/],
  ['no value at all', { not: {} }, /#: has no value/],
  ['a length beyond all limits', { maxLength: 1e9 }, /#\/maxLength: is 1000000000, expected a whole number from 0/],
  [
    'a required name that is not there',
    { required: ['a'], additionalProperties: false },
    /#\/required: "a" is not among/,
  ],
  [
    'patterns of names beside names',
    { properties: {}, patternProperties: { a: {} } },
    /#\/patternProperties: stands beside properties/,
  ],
  [
    'two patterns that overlap',
    { allOf: [{ pattern: '^a' }, { pattern: '^[ab]+$' }] },
    /#: several schemas that all hold say something about pattern/,
  ],
  [
    'two patterns of names',
    { patternProperties: { a: {}, b: {} } },
    /#\/patternProperties: stands beside another pattern/,
  ],
  ['an enum without values', { enum: [] }, /#\/enum: is \[\], expected a list that is not empty/],
  ['a const of another type', { type: 'string', const: 1 }, /#: no value is of the type/],
  ['a oneOf of two strings', { oneOf: [{ type: 'string' }, { enum: ['a'] }] }, /#\/oneOf: one value could fit both/],
  ['no schema at all', 'string', /#: is "string", expected a schema/],
  ['false', false, /#: is false, expected a schema/],
];

for (const [what, schema, says] of refused) {
  test(`${what} is refused by name, with its place`, () => {
    assert.throws(() => formatOf(schema), { code: 'input', message: says });
  });
}

test('oneOf tells objects apart by a property with its own const', () => {
  const tagged = (kind: Json) => ({ properties: { kind: { const: kind } }, required: ['kind'] });
  assert.doesNotThrow(() => formatOf({ oneOf: [tagged('a'), tagged('b'), { type: 'null' }] }));
  assert.throws(() => formatOf({ oneOf: [tagged('a'), tagged('a')] }), /branch 0 and branch 1/);
});

test('the schema true allows every value', () => {
  const format = formatOf(true);
  assert.ok(format.kind === 'json');
  for (const value of [7, null, { a: [] }]) assert.equal(format.problem(value), undefined);
});

test('what is no JSON is refused with the reason', () => {
  assert.throws(() => schemaFormat('{"type":', 'x.json'), { code: 'input', message: /^x\.json: is not JSON: / });
});

const nested = (depth: number, [open, inside, close]: readonly [string, string, string]): string =>
  open.repeat(depth) + inside + close.repeat(depth);
const chain = (length: number): string => {
  const links = Array.from({ length }, (_, at) => [`d${at}`, { $ref: `#/$defs/d${at + 1}` }]);
  return JSON.stringify({ $ref: '#/$defs/d0', $defs: Object.fromEntries([...links, [`d${length}`, {}]]) });
};
const wide = (count: number): string =>
  JSON.stringify({
    properties: Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, { enum: [at] }])),
  });
const mutual = JSON.stringify({
  oneOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }],
  $defs: {
    a: { anyOf: Array.from({ length: 12 }, () => ({ properties: { x: { $ref: '#/$defs/b' } }, required: ['x'] })) },
    b: { anyOf: Array.from({ length: 12 }, () => ({ properties: { x: { $ref: '#/$defs/a' } }, required: ['x'] })) },
  },
});

for (const [what, text, says] of [
  ['nested thousands of levels deep', nested(50_000, ['{"items":', '{}', '}']), /nested more than 500 levels deep/],
  ['nested in lists', nested(50_000, ['[', '', ']']), /nested more than 500 levels deep/],
  ['nested hundreds of levels deep', nested(300, ['{"items":', '{}', '}']), /is nested 100 levels deep/],
  ['with a % in a reference', '{"$ref":"#/$defs/%"}', /a % begins no character/],
  ['with half a character in a reference', '{"$ref":"#/%E0%A4"}', /a % begins no character/],
  ['with a long chain of references', chain(20_000), /over 500 places referred to|too large a schema/],
  ['of branches that refer to each other', mutual, /one value could fit|has no value that ever ends/],
  ['of more than a megabyte', wide(60_000), /expected a JSON Schema of at most 1048576/],
] as const) {
  test(`a schema ${what} is refused in one line`, () => {
    assert.throws(() => schemaFormat(text, 's'), { code: 'input', message: says });
  });
}
