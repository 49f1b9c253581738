import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Names that our source imports from packages, statically and when they are needed. */
function importedNames(): [name: string, from: string][] {
  const found = new Map<string, [string, string]>();
  for (const path of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || path.endsWith('.d.ts')) continue;
    const text = readFileSync(join(root, 'src', path), 'utf8');
    const imports = [
      ...text.matchAll(/^import (?!type)[^;{]*\{([^}]*)\} from '([^'.][^']*)'/gm),
      ...text.matchAll(/\b(?:const|let) \{([^{}]*)\} = await import\('([^'.][^']*)'\)/g),
    ];
    for (const [, list, from] of imports) {
      for (const one of list!.split(',').map((part) => part.trim())) {
        const name = one.split(/\s+as\s+|:/)[0]!.trim();
        if (name !== '' && !one.startsWith('type ') && !from!.startsWith('node:'))
          found.set(`${from} ${name}`, [name, from!]);
      }
    }
  }
  return [...found.values()];
}

// The tests run through tsx, which finds names in CommonJS packages that Node itself does not.
test('every name that we import from a package is there in plain Node', () => {
  const names = importedNames();
  assert.ok(names.length > 20);
  const script = `for (const [name, from] of ${JSON.stringify(names)}) {
    const found = await import(from);
    if (!(name in found)) console.log(from + ' has no ' + name);
  }`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.deepEqual({ stdout, status }, { stdout: '', status: 0 }, stderr);
});
