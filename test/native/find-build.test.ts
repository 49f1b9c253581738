import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasOtherLibc } from '../../src/native/find-build.ts';

function reporting(header: object): NodeJS.ProcessReport {
  return { ...process.report, getReport: () => ({ header }) };
}

test("a Linux whose Node reports no glibc has another C library, for which llama.cpp's packages have no build", () => {
  assert.equal(hasOtherLibc({ platform: 'linux', report: reporting({ arch: 'x64' }) }), true);
  assert.equal(hasOtherLibc({ platform: 'linux', report: reporting({ glibcVersionRuntime: '2.36' }) }), false);
});

test('other systems are not asked for glibc', () => {
  for (const platform of ['win32', 'darwin'] as const) {
    assert.equal(hasOtherLibc({ platform, report: reporting({}) }), false);
  }
});
