import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { Automaton } from '../../src/grammar/automaton.ts';
import { GbnfRules } from '../../src/grammar/gbnf.ts';
import { oneOfTexts } from '../../src/grammar/one-of-texts.ts';

const words = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `word ${((index + from) * 7919) % 100_003} of ${index + from}`);
const mutual = (branches: number): object => ({
  oneOf: Array.from({ length: branches }, (_, index) => ({ enum: words(200, index * 200) })),
});
const characters = Array.from({ length: 20_000 }, (_, index) => String.fromCodePoint(0x4e00 + index));

/** Schemas that ask for much; each is made into a form, its first mask is found, and a value is compared with it. */
const schemas: Record<string, { schema: object; value?: string }> = {
  'an enum of 20,000 texts': { schema: { enum: words(20_000) }, value: words(20_000).at(-1)! },
  'an enum of 20,000 characters': { schema: { enum: characters } },
  'an enum of texts that begin each other': { schema: { enum: Array.from({ length: 1300 }, (_, n) => 'a'.repeat(n)) } },
  'a oneOf of 100 enums': { schema: mutual(100) },
  'a oneOf of two long enums': { schema: { oneOf: [{ enum: words(10_000) }, { enum: words(10_000, 10_000) }] } },
  'a pattern that names sets of characters thousands of times': {
    schema: { type: 'string', pattern: `^${'\\p{L}\\s\\P{N}'.repeat(1000)}$` },
  },
  'a pattern that may be split in very many ways': {
    schema: { type: 'string', pattern: '^(a+)+$' },
    value: `${'a'.repeat(60)}!`,
  },
  'a list of large bounds in lists of large bounds': {
    schema: { items: { items: { items: { maxLength: 9000, type: 'string' }, maxItems: 9000 }, maxItems: 9000 } },
  },
};

/** In a process of its own, so that its time and memory are its own. */
const program = `
import { schemaFormat } from './src/grammar/answer-format.ts';
import { TokenMasks } from './src/grammar/token-masks.ts';
import { Matcher } from './src/grammar/matcher.ts';
import { tokenTrie } from './src/grammar/token-trie.ts';
const { schema, value } = JSON.parse(await new Response(process.stdin).text());
const bytes = (id) => Uint8Array.of(id + 1);
const words = { count: 255, trie: tokenTrie(255, bytes), bytes, ends: [] };
const before = process.memoryUsage().rss;
const start = process.cpuUsage();
let said = 'followed';
try {
  const format = schemaFormat(JSON.stringify(schema), 'schema');
  const matcher = new Matcher(new TokenMasks(format.grammar, words));
  for (const byte of Buffer.from('"w')) { matcher.mask(); try { matcher.accept(byte - 1); } catch {} }
  if (value !== undefined) format.problem(value);
} catch (thrown) {
  if (thrown.name !== 'PixtralError') throw thrown;
  said = thrown.message;
}
const { user, system } = process.cpuUsage(start);
console.log(JSON.stringify({ said, seconds: (user + system) / 1e6, megabytes: process.resourceUsage().maxRSS / 1e3 - before / 1e6 }));
`;

for (const [what, asked] of Object.entries(schemas)) {
  test(`${what}: followed or refused within half a minute of the processor and 500 MB`, () => {
    const words = ['--import', 'tsx', '--input-type=module', '-e', program];
    const run = spawnSync(process.execPath, words, {
      input: JSON.stringify(asked),
      encoding: 'utf8',
      timeout: 110_000,
    });
    assert.equal(run.status, 0, run.stderr);
    const { said, seconds, megabytes } = JSON.parse(run.stdout) as {
      said: string;
      seconds: number;
      megabytes: number;
    };
    assert.ok(seconds < 30 && megabytes < 500, `${seconds} s, ${megabytes} MB`);
    if (what.startsWith('an enum of 20,000 texts')) assert.equal(said, 'followed');
    if (what.includes('split')) assert.match(said, /takes more than a second/);
  });
}

test('one of many texts is each of them and nothing else, whatever they have in common', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '日', '"', '\\', '😀'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      fc.uniqueArray(text, { minLength: 257, maxLength: 400 }),
      fc.array(text, { maxLength: 50 }),
      (texts, others) => {
        const automaton = new Automaton(new GbnfRules().text(oneOfTexts(texts)), { reach: 20 });
        const fits = (candidate: string): boolean => {
          let state: ReturnType<Automaton['start']> | null = automaton.start();
          for (const byte of Buffer.from(candidate)) state = state && automaton.step(state, byte);
          return state?.mayEnd === true;
        };
        for (const one of texts) assert.ok(fits(one), one);
        for (const other of others) assert.equal(fits(other), texts.includes(other), other);
      },
    ),
    { numRuns: 30 },
  );
});
