import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitCodes } from '../src/base/errors.ts';
import { supportedKeywords } from '../src/grammar/keywords.ts';
import { cli } from './helpers/cli.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test("the README's exit codes are the program's", () => {
  const rows = [...readme.matchAll(/^\| (\d) \| (\w+) \|/gm)].map(([, code, name]) => [name, Number(code)]);
  assert.deepEqual(Object.fromEntries(rows), exitCodes);
});

for (const [, words, expected] of readme.matchAll(/\$ pixtral (.*)\n([\s\S]*?)```/g)) {
  test(`what the README shows is printed: ${words}`, async () => {
    const cache = await mkdtemp(join(tmpdir(), 'pixtral-readme-'));
    try {
      const argv = [...words!.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
      const { stdout, stderr } = await cli(argv, { env: { PIXTRAL_CACHE: cache } });
      assert.equal(stderr + stdout, expected);
    } finally {
      await rm(cache, { recursive: true, force: true });
    }
  });
}

test('every keyword of JSON Schema that the program knows has its place in docs/structured-output.md', () => {
  const page = readFileSync(new URL('../docs/structured-output.md', import.meta.url), 'utf8');
  for (const keyword of supportedKeywords) assert.ok(page.includes(`\`${keyword}\``), keyword);
});

test("the README's test line is the one that CI runs", () => {
  const ci = readFileSync(new URL('../.ci/run', import.meta.url), 'utf8');
  const line = 'npm install && npm run check';
  assert.ok(readme.includes(`\n${line}\n`) && ci.includes(`\n${line}\n`));
});
