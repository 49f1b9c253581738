#!/usr/bin/env node
// CommonJS, because libuv reads the size of its pool before the first ES module runs: converting keeps every core busy
// with native calls while files are read, written and flushed, which its default of four threads would not allow.
// And in words that old versions of Node understand too, so that they can be told what is missing.
'use strict';
const { existsSync } = require('fs');
const { availableParallelism } = require('os');
const path = require('path');

const [major, minor] = process.versions.node.split('.').map(Number);
const program = path.join(__dirname, '..', 'dist', 'cli', 'run.js');

if (major < 20 || (major === 20 && minor < 19)) {
  refuse(`Node ${process.versions.node}: is too old, expected 20.19 or newer`, 'https://nodejs.org has newer ones');
} else if (!existsSync(program)) {
  refuse(`${program}: is missing, this copy was not built`, "run 'npm install' and 'npm run build' in its folder");
} else if (!hasFolder()) {
  refuse('the current folder: no longer exists', 'cd to one that does');
} else {
  process.env.UV_THREADPOOL_SIZE = process.env.UV_THREADPOOL_SIZE || String(availableParallelism() + 6);
  void import('../dist/cli/run.js');
}

/** Where it was removed, threads and other processes fail to start one by one. */
function hasFolder() {
  try {
    return process.cwd() !== '';
  } catch {
    return false;
  }
}

/** Exit code 5: the machine lacks something. */
function refuse(finding, hint) {
  process.stderr.write(`error: ${finding}\nhint: ${hint}\n`);
  process.exitCode = 5;
}
