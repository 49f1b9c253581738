#!/usr/bin/env node
// CommonJS, because libuv reads this before the first ES module runs: converting keeps every core busy with native
// calls while files are read, written and flushed, which its default of four threads would not allow.
const { availableParallelism } = require('node:os');

process.env.UV_THREADPOOL_SIZE ??= String(availableParallelism() + 6);
void import('../dist/cli/run.js');
