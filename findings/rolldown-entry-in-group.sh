#!/usr/bin/env bash
# Expected: how a bundler cuts two programs into files changes nothing of what they do: worker.js, which shares a module with
# program.js and never imports it, runs only its own code, as from source and as without groups.
# Happens: a group of codeSplitting whose test names the entry program.js takes the module that both share with it, and since
# the group is a file that runs the entry, `node dist/worker.js` runs the whole other program first. No warning is given.
# rolldown 1.3.3, seen on 28 November 2026.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm pkg set type=module
npm install --ignore-scripts --no-audit --no-fund --silent rolldown@1.3.3
mkdir src
echo 'export function say(word) { console.log(word); }' > src/shared.js
echo 'import { say } from "./shared.js"; say("program");' > src/program.js
echo 'import { say } from "./shared.js"; say("worker");' > src/worker.js
cat > build.js <<'JS'
import { VERSION, build } from 'rolldown';
const input = { program: 'src/program.js', worker: 'src/worker.js' };
const groups = [{ name: 'start', test: (id) => id.endsWith('program.js') }];
const onLog = (level, { message }) => console.log(`${level}: ${message}`);
await build({ input, onLog, output: { dir: 'plain' } });
await build({ input, onLog, output: { dir: 'grouped', codeSplitting: { groups } } });
console.log(`rolldown ${VERSION}`);
JS
node build.js
source=$(node src/worker.js | tr '\n' ' ')
plain=$(node plain/worker.js | tr '\n' ' ')
grouped=$(node grouped/worker.js | tr '\n' ' ')
echo "worker from source: $source; bundled: $plain; bundled with a group: $grouped"
if [ "$source" = 'worker ' ] && [ "$plain" = 'worker ' ] && [ "$grouped" = 'program worker ' ]; then echo 'as described'; else echo 'this has changed'; exit 1; fi
