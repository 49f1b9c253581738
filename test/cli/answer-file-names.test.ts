import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileNames } from '../../src/cli/batch/answer-files.ts';

test('no answer gets the name of a device of Windows, which would swallow it: what stands behind the first dot does not count', () => {
  const ids = ['CON', 'nul.txt', 'lpt1.tar.gz', 'com².png', 'console', 'null.txt'];
  const names = [...fileNames(ids).values()].map((name) => name.replace(/-[\da-f]{12}$/, '-#'));
  assert.deepEqual(names, ['CON-#', 'nul_txt-#', 'lpt1_tar.gz-#', 'com²_png-#', 'console', 'null.txt']);
});
