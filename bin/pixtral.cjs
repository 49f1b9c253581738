#!/usr/bin/env node
// CommonJS, because libuv reads this before the first ES module runs: converting keeps every core busy with native
// calls while files are read and written, which its default of four threads would not allow.
const { availableParallelism } = require('node:os');

process.env.UV_THREADPOOL_SIZE ??= String(availableParallelism() + 4);
void import('../dist/cli/run.js');
