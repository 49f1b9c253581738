import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src', import.meta.url));

/** Floors of the house: import from your own folder or from a lower floor. */
const floors: Record<string, number> = {
  base: 0,
  tokenizer: 1,
  image: 1,
  weights: 1,
  gguf: 1,
  native: 1,
  grammar: 1,
  prompt: 2,
  vision: 2,
  decoder: 2,
  convert: 2,
  store: 2,
  hub: 2,
  asking: 3,
  wires: 4,
  engine: 5,
  remote: 5,
  local: 5,
  output: 6,
  serve: 6,
  mcp: 6,
  cli: 7,
};
const owners: Record<string, string> = {
  koffi: 'native',
  'node-llama-cpp': 'native',
  '@napi-rs/canvas': 'image',
  sharp: 'image',
  '@embedpdf/pdfium': 'image',
  'libheif-js/wasm-bundle.js': 'image',
  fzstd: 'image',
  'xz-decompress': 'image',
  lerc: 'image',
  'dicom-parser': 'image',
  '@cornerstonejs/codec-openjpeg/decodewasmjs': 'image',
  htmlparser2: 'image',
  domhandler: 'image',
  'dom-serializer': 'image',
  'css-select': 'image',
  'css-what': 'image',
  'css-tree': 'image',
  tinyglobby: 'image',
  commander: 'cli',
  zod: 'mcp',
  '@modelcontextprotocol/server': 'mcp',
  '@modelcontextprotocol/server/stdio': 'mcp',
  hono: 'serve',
  'hono/body-limit': 'serve',
  'hono/streaming': 'serve',
  '@hono/node-server': 'serve',
  chalk: 'output',
  yaml: 'convert',
  undici: 'hub',
  bencode: 'hub',
  'bittorrent-dht': 'hub',
  'bittorrent-protocol': 'hub',
  ut_metadata: 'hub',
  'hash-wasm': 'native',
  ajv: 'grammar',
  'ajv/dist/2020.js': 'grammar',
  'ajv-formats': 'grammar',
  '@eslint-community/regexpp': 'grammar',
};

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(join(source, path), 'utf8') }));

const importsOf = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export|\}) .*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)].map(
    (match) => match[1] ?? match[2] ?? match[3]!,
  );

test('every folder of src has a floor', () => {
  for (const { path } of files) assert.ok(Object.hasOwn(floors, path.split(sep)[0]!), path);
});

test('files import from their own folder or from a lower floor', () => {
  for (const { path, text } of files) {
    const folder = path.split(sep)[0]!;
    for (const name of importsOf(text).filter((imported) => imported.startsWith('.'))) {
      const target = relative(source, resolve(source, dirname(path), name)).split(sep)[0]!;
      assert.ok(target === folder || floors[target]! < floors[folder]!, `${path} imports ${name}`);
    }
  }
});

test('an outside package is imported by the folder that owns it only', () => {
  for (const { path, text } of files) {
    for (const name of importsOf(text).filter(
      (imported) => !imported.startsWith('.') && !imported.startsWith('node:'),
    )) {
      assert.equal(owners[name], path.split(sep)[0], `${path} imports ${name}`);
    }
  }
});

test('only cli/run.ts touches the streams and the exit code of the process', () => {
  for (const { path, text } of files) {
    if (path === join('cli', 'run.ts')) continue;
    assert.doesNotMatch(text, /process\.(stdout|stderr|stdin|exit|exitCode)\b|\bconsole\./, path);
  }
});

test('where a file lies is asked in one place: in the built program, many files are one', () => {
  for (const { path, text } of files) {
    if (path === join('base', 'place.ts')) continue;
    assert.doesNotMatch(
      text.replaceAll('createRequire(import.meta.url)', ''),
      /import\.meta\.(url|dirname|filename)/,
      path,
    );
  }
});

test('what a process of its own begins with is a file of its own in the built program', () => {
  const bundled = readFileSync(new URL('../bundle.mjs', import.meta.url), 'utf8');
  const entries = files.flatMap(({ text }) => [...text.matchAll(/\bentryUrl\('([^']+)'\)/g)].map((match) => match[1]!));
  assert.ok(entries.length >= 3);
  for (const entry of entries) assert.ok(bundled.includes(`'${entry}'`), entry);
});

test('no file runs another that runs it: types apart, imports have no circles', () => {
  const imported = new Map(
    files.map(({ path, text }) => [
      path,
      importsOf(text.replaceAll(/^import type [^;]*;/gm, ''))
        .filter((name) => name.startsWith('.'))
        .map((name) => relative(source, resolve(source, dirname(path), name))),
    ]),
  );
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): void => {
    assert.ok(!way.includes(path), [...way.slice(way.indexOf(path)), path].join(' -> '));
    if (done.has(path)) return;
    for (const next of imported.get(path) ?? []) walk(next, [...way, path]);
    done.add(path);
  };
  for (const { path } of files) walk(path, []);
});
