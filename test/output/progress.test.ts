import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { batchProgress } from '../../src/output/batch-progress.ts';
import { byteProgress } from '../../src/output/byte-progress.ts';
import { stageReporter } from '../../src/output/progress.ts';

const hostile = '\u001B]0;title\u0007\u009B2J\nnext\tx.png';

/** What a terminal is sent by a spinner over some seconds. */
function spun(t: TestContext, columns: number | undefined): string {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let written = '';
  const sink = { isTTY: true, columns, write: (text: string) => void (written += text) };
  const reporter = stageReporter(sink, { verbose: false, quiet: false, color: false });
  reporter.stage('image', hostile + 'x'.repeat(300));
  t.mock.timers.tick(4000);
  reporter.stop();
  reporter.stop();
  t.mock.timers.tick(4000);
  return written;
}

for (const columns of [0, undefined, 1, 2, 3, 20, 500]) {
  test(`a spinner on a terminal of ${columns} columns is one line that never wraps, and ends`, (t) => {
    const written = spun(t, columns);
    const frames = written.split('\r\u001B[K');
    assert.ok(frames.length > 20 && frames.length < 100, `${frames.length} frames`);
    for (const frame of frames.slice(1, -1))
      assert.ok(frame.length < Math.max(3, columns || 80), JSON.stringify(frame));
    assert.ok(written.endsWith('\r\u001B[K\u001B[?25h'));
  });
}

test('a name cannot steer the terminal, from a spinner or a bar', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => (now += 1000));
  let written = spun(t, 200);
  const sink = { isTTY: true, columns: 0, write: (text: string) => void (written += text) };
  const bytes = byteProgress(sink, { json: false });
  const batch = batchProgress(sink, { total: 9, json: false, quiet: false });
  for (let step = 1; step < 4; step++) {
    bytes.update({ stage: 'write', tensor: hostile, doneBytes: step, totalBytes: 9, skippedBytes: 0 });
    batch.update({ done: step, failed: 0, skipped: 0, skippedFailed: 0, again: 0 }, hostile);
  }
  assert.match(written, /\u241b\]0;title/);
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(written.replaceAll(/\r\u001B\[K|\u001B\[\?25[lh]/g, ''), /[\u0000-\u001f\u007f-\u009f]/);
});
