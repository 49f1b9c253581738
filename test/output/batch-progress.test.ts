import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BatchCounts, batchProgress } from '../../src/output/batch-progress.ts';

const counts = (some: Partial<BatchCounts>): BatchCounts => ({
  done: 0,
  failed: 0,
  skipped: 0,
  skippedFailed: 0,
  again: 0,
  ...some,
});

function written(
  how: { json?: boolean; quiet?: boolean; total?: number | undefined },
  use: (progress: ReturnType<typeof batchProgress>) => void,
) {
  let text = '';
  const sink = { isTTY: false, write: (part: string) => void (text += part) };
  use(batchProgress(sink, { total: 9, json: false, quiet: false, ...how }));
  return text;
}

test('the last line counts everything, and says what was done again and what could be', () => {
  const end = (some: Partial<BatchCounts>) => written({}, (progress) => progress.end(counts(some)));
  assert.equal(end({ done: 9 }), '9 done, 0 failed, 0 skipped\n');
  assert.equal(
    end({ done: 2, failed: 1, skipped: 6, skippedFailed: 4, again: 2 }),
    '2 done, 1 failed, 6 skipped (4 of them had failed: --retry-failed does them again); ' +
      '2 again, because pictures, texts, options or weights have changed\n',
  );
});

test('with json everything is a line of JSON, with quiet there is nothing', () => {
  const use = (progress: ReturnType<typeof batchProgress>): void => {
    progress.note('a \u001b[31m note');
    progress.update(counts({ done: 1 }), 'x');
    progress.end(counts({ done: 9 }));
  };
  const lines = written({ json: true }, use)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  assert.deepEqual(lines, [
    { version: 1, note: 'a \u001b[31m note' },
    { version: 1, event: 'end', ...counts({ done: 9 }), total: 9 },
  ]);
  assert.equal(written({ quiet: true }, use), '');
});

test('how long it takes is told when it is known', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const left = (total: number | undefined, ...done: number[]): unknown => {
    const text = written({ json: true, total }, (progress) => {
      for (const count of done) {
        now += 60_000;
        progress.update(counts({ done: count }), 'x');
      }
    });
    return (JSON.parse(text.trimEnd().split('\n').at(-1)!) as Record<string, unknown>)['seconds_left'];
  };
  assert.equal(left(9, 0, 0), undefined);
  assert.equal(left(9, 1, 1), undefined);
  assert.equal(left(9, 1, 2), 420);
  assert.equal(left(9, 1, 9), 0);
  assert.equal(left(undefined, 1, 2), undefined);
});
