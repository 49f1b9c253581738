// Builds dist: the program's few hundred files in some dozens, which Node finds and reads in a third of the time.
// Packages stay outside; what is imported when it is needed stays a file of its own, but for what is always needed together.
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const entries = [
  'cli/run',
  'image/decoder/decoder-entry',
  'native/trial-entry',
  'native/own/products-entry',
  'engine/runtime/model-trial-entry',
];

/** One file each: modules with all that they import and that is in none of the files before. No entries: these do work. */
const together = {
  start: ['cli/main', 'wires/error-json', 'wires/json'],
  // Of what asks and of what decodes pictures in a process of its own.
  shared: ['base/files', 'base/read-whole', 'image/formats/opened', 'image/formats/signatures'],
  // Sixty files take longer to be found than a server that runs takes to answer.
  ask: ['cli/commands/ask'],
};

const groups = Object.entries(together).map(([name, modules], index) => {
  const files = new Set(modules.map(source));
  return { name, test: (id) => files.has(id), priority: Object.keys(together).length - index };
});

await build({
  input: Object.fromEntries(entries.map((entry) => [entry, source(entry)])),
  external: (id) => !/^[./]/.test(id),
  platform: 'node',
  transform: { target: 'node20.19' },
  checks: { ineffectiveDynamicImport: false }, // in one file all the same: what is always needed together
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: { groups },
  },
});

function source(name) {
  return fileURLToPath(new URL(`src/${name}.ts`, import.meta.url));
}
