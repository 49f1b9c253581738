/**
 * Schemas and grammars that were changed at random, each asked for an answer of some tokens:
 *
 *   npm run attack:schemas -- --count 1000 --seed 1
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, changed } from '../fuzz/mutate.ts';
import { cli } from '../helpers/cli.ts';
import { convertedPair } from '../helpers/converted.ts';
import { type Attempts, attack } from './attempts.ts';
import { hostileJson, oneOf } from './hostile-values.ts';

const keywords = [
  'type',
  'properties',
  'required',
  'items',
  'prefixItems',
  'anyOf',
  'oneOf',
  'allOf',
  'enum',
  'const',
  '$ref',
  '$defs',

  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'format',
  'pattern',
  'additionalProperties',
  'title',
  '$schema',
  '$id',
  '__proto__',
  'constructor',
  'toString',
];
const references = [
  '#',
  '#/',
  '#/$defs/a',
  '#/$defs/b',
  '#/$defs/%',
  '#/%E0',
  '#/properties/a',
  'x.json',
  '#/$defs/~2',
  '',
];

function schemaText(random: Random): string {
  const defs = `"$defs":{"a":${schema(random, 0)},"b":${schema(random, 0)}}`;
  const body = schema(random, 0);
  return body.startsWith('{') && body.length > 2 ? `{${defs},${body.slice(1)}` : body;
}

function schema(random: Random, depth: number): string {
  if (depth > 5 || random(12) === 0) return oneOf(hostileJson, random);
  const inner = (): string => schema(random, depth + 1);
  const number = (): string => oneOf(['0', '1', '3', '-5', '2000', '100000', '1e15', '1.5', '1e999'], random);
  const shapes = [
    (): string =>
      `{"type":${oneOf(['"string"', '"integer"', '"number"', '"boolean"', '"null"', '["string","null"]', '"x"'], random)}}`,
    (): string => `{"type":"object","properties":{"a":${inner()},"b":${inner()}},"required":["a"]}`,
    (): string => `{"type":"array","items":${inner()},"minItems":${number()},"maxItems":${number()}}`,
    (): string => `{"type":"string","minLength":${number()},"maxLength":${number()}}`,
    (): string => `{"type":"integer","minimum":${number()},"maximum":${number()}}`,
    (): string => `{"${oneOf(['anyOf', 'oneOf'], random)}":[${inner()},${inner()},${inner()}]}`,
    (): string => `{"enum":[${oneOf(hostileJson, random)},${number()},"a"]}`,
    (): string => `{"$ref":"${oneOf(references, random)}"}`,
    (): string => `{"prefixItems":[${inner()},${inner()}],"items":${inner()}}`,
    (): string => `{"${oneOf(keywords, random)}":${inner()}}`,
  ];
  return oneOf(shapes, random)();
}

function grammarText(random: Random): string {
  const rules = Array.from({ length: 1 + random(6) }, (_, index) => `r${index} ::= ${alternatives(random, 0)}`);
  return [`root ::= ${alternatives(random, 0)}`, ...rules].join(oneOf(['\n', '\r\n', '\n\n# x\n'], random));
}

function alternatives(random: Random, depth: number): string {
  return Array.from({ length: 1 + random(3) }, () => sequence(random, depth)).join(' | ');
}

function sequence(random: Random, depth: number): string {
  return Array.from({ length: random(5) }, () => part(random, depth)).join(' ');
}

function part(random: Random, depth: number): string {
  const parts = [
    '"a"',
    '""',
    '"\\""',
    '[a-z]',
    '[^a]',
    '[]',
    '.',
    '"\\x41"',
    '"\\u{1}"',
    '<x>',
    '!',
    'r9',
    '"',
    '(',
    '\\',
  ];
  const group = depth < 4 && random(4) === 0 ? `(${alternatives(random, depth + 1)})` : undefined;
  const base = group ?? (random(2) === 0 ? `r${random(6)}` : parts[random(random(6) === 0 ? parts.length : 8)]!);
  return (
    base +
    oneOf(['', '', '', '', '*', '+', '?', '{2}', '{0,9}', '{3,2}', '{,}', '{1,}', '{0,2000}', '**', '?*'], random)
  );
}

await attack(import.meta.url, async (): Promise<Attempts> => {
  const pair = await convertedPair('mistral', 'f16');
  const scratch = await mkdtemp(join(tmpdir(), 'pixtral-attack-'));
  const path = join(scratch, 'form');
  return {
    async attempt(random) {
      const flag = oneOf(['--schema', '--grammar'], random);
      const text = flag === '--schema' ? schemaText(random) : grammarText(random);
      await writeFile(path, random(3) === 0 ? changed(Buffer.from(text), { other: Buffer.from(text), random }) : text);
      const words = [
        'ask',
        'x',
        flag,
        path,
        '--model',
        pair.folder,
        '--gpu',
        'off',
        '--max-tokens',
        '2',
        '--seed',
        '1',
      ];
      const { exitCode, stderr } = await cli(words);
      const isRight = [0, 2, 3].includes(exitCode) && !/this is a bug|^ +at /m.test(stderr);
      const counts = { answered: exitCode === 0 ? 1 : 0, refused: exitCode === 0 ? 0 : 1 };
      return isRight
        ? counts
        : { ...counts, wrong: `exit ${exitCode}\n${stderr.slice(0, 500)}\n${text.slice(0, 2000)}` };
    },
    async close() {
      await pair.remove();
      await rm(scratch, { recursive: true });
    },
  };
});
