import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitCodes } from '../src/base/errors.ts';
import { supportedKeywords } from '../src/grammar/keywords.ts';
import { cli } from './helpers/cli.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const pages = ['README.md', ...readdirSync(new URL('../docs', import.meta.url)).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md'),
);
const readme = read('README.md');

test('the README is read in three minutes', () => {
  assert.ok(Buffer.byteLength(readme) <= 8 * 1024);
});

test('every page opens with an example, and every link between pages leads somewhere', () => {
  for (const path of pages) {
    const text = read(path);
    const opening = text.slice(0, text.indexOf('\n## '));
    assert.match(opening, /```(sh|console|json)\n/, path);
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      const url = new URL(target!, new URL(`../${path}`, import.meta.url));
      assert.ok(existsSync(url), `${path}: ${target}`);
    }
  }
});

test("the exit codes in the docs are the program's", () => {
  const rows = [...read('docs/exit-codes.md').matchAll(/^\| (\d) \| (\w+) \|/gm)].map(([, code, name]) => [
    name,
    Number(code),
  ]);
  assert.deepEqual(Object.fromEntries(rows), exitCodes);
});

const shown = pages.flatMap((path) => [...read(path).matchAll(/```console\n\$ pixtral (.*)\n([\s\S]*?)```/g)]);
for (const [, words, expected] of shown) {
  test(`what the docs show is printed: ${words}`, async () => {
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
  const page = read('docs/structured-output.md');
  for (const keyword of supportedKeywords) assert.ok(page.includes(`\`${keyword}\``), keyword);
});

test("the README's test line is the one that CI runs", () => {
  const ci = read('.ci/run');
  const line = 'npm install && npm run check';
  assert.ok(readme.includes(`\n${line}\n`) && ci.includes(`\n${line}\n`));
});
