import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { exitCodes } from '../src/base/errors.ts';
import { supportedKeywords } from '../src/grammar/keywords.ts';
import { cli } from './helpers/cli.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test("the README's exit codes are the program's", () => {
  const rows = [...readme.matchAll(/^\| (\d) \| (\w+) \|/gm)].map(([, code, name]) => [name, Number(code)]);
  assert.deepEqual(Object.fromEntries(rows), exitCodes);
});

test("the README's first command prints what the README shows", async () => {
  const [, words, expected] = /\$ pixtral (.*)\n([\s\S]*?)```/.exec(readme)!;
  const argv = [...words!.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  const { stdout, stderr } = await cli(argv);
  assert.equal(stdout, expected, stderr);
});

test("the README's keywords of JSON Schema are the program's", () => {
  const [, listed] = /refuses any other by name and place: ([^.]*)\./.exec(readme)!;
  assert.deepEqual(
    [...listed!.matchAll(/`([^`]+)`/g)].map(([, keyword]) => keyword),
    supportedKeywords,
  );
});

test("the README's test line is the one that CI runs", () => {
  const ci = readFileSync(new URL('../.ci/run', import.meta.url), 'utf8');
  const line = 'npm install && npm run check';
  assert.ok(readme.includes(`\n${line}\n`) && ci.includes(`\n${line}\n`));
});
