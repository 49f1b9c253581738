import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { parseExactJson, writeExactJson } from '../../src/base/exact-json.ts';

const again = (json: string): string => writeExactJson(parseExactJson(json));

test("values are written as Python's json.dumps(json.loads(...), ensure_ascii=False) writes them", () => {
  const written: Record<string, string> = {
    '1.0': '1.0',
    '-0': '0',
    '-0.0': '-0.0',
    '1e5': '100000.0',
    '1E+16': '1e+16',
    '1e15': '1000000000000000.0',
    '1e-5': '1e-05',
    '0.0001': '0.0001',
    '123456789012345678901234567890': '123456789012345678901234567890',
    '9007199254740993': '9007199254740993',
    '1e400': 'Infinity',
    '-1e400': '-Infinity',
    NaN: 'NaN',
    '5e-324': '5e-324',
    '{"b":1,"2":[ ],"b":{}}': '{"b": {}, "2": []}',
    '"\\u00e9\\ud83d\\ude42\\/\\t\\u0001\u007f"': '"é🙂/\\t\\u0001\u007f"',
    '"\\ud800"': '"\ud800"',
    ' [true,\nfalse,\tnull ] ': '[true, false, null]',
  };
  for (const [json, text] of Object.entries(written)) assert.equal(again(json), text, json);
});

test('what Python refuses is a SyntaxError, what would take it too long a RangeError', () => {
  for (const json of [
    '',
    '01',
    '1.',
    '.5',
    '+1',
    'tru',
    '"\n"',
    '"\\x"',
    '{',
    '[1,]',
    '{"a":1,}',
    '1 2',
    '\ufeff1',
    "'a'",
  ]) {
    assert.throws(() => parseExactJson(json), SyntaxError, JSON.stringify(json));
  }
  assert.throws(() => parseExactJson('['.repeat(600) + ']'.repeat(600)), RangeError);
  assert.throws(() => parseExactJson('1'.repeat(4301)), RangeError);
});

test('any JSON value reads back as itself', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.deepEqual(JSON.parse(again(JSON.stringify(value))), value)));
});
