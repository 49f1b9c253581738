import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasOtherLibc, withConsoleTo } from '../../src/native/find-build.ts';

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

test('what a package writes to the console beside its logger is logged, until it is done or has failed', async () => {
  const { error, warn } = console;
  const logged: [string, string][] = [];
  const log = (level: string, text: string): void => void logged.push([level, text]);
  const answer = await withConsoleTo(log, async () => {
    console.error('trial of', 'cpu');
    await Promise.resolve();
    console.warn('ends');
    return 7;
  });
  assert.equal(answer, 7);
  await assert.rejects(
    withConsoleTo(log, () => Promise.reject(new Error('no build'))),
    /no build/,
  );
  assert.deepEqual(logged, [
    ['warn', 'trial of cpu'],
    ['warn', 'ends'],
  ]);
  assert.deepEqual([console.error, console.warn], [error, warn]);
});
