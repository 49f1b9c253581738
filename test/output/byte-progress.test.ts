import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { byteProgress } from '../../src/output/byte-progress.ts';

const total = 10_000_000;

/** Half a second a step of 5 %, the first 10 % skipped. */
function run(t: TestContext, sink: { isTTY: boolean; columns?: number }, json: boolean): string {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  let written = '';
  const progress = byteProgress({ ...sink, write: (text) => void (written += text) }, { json });
  for (let step = 2; step <= 20; step++) {
    const doneBytes = (step * total) / 20;
    progress.update({
      stage: 'write',
      tensor: 'blk.0.ffn_down.weight',
      doneBytes,
      totalBytes: total,
      skippedBytes: 1e6,
    });
    now += 500;
  }
  progress.stop();
  return written;
}

test('a terminal has one line that is rewritten and gone at the end', (t) => {
  const frames = run(t, { isTTY: true, columns: 100 }, false).split('\r\u001B[K');
  assert.equal(frames[10], '[############........] write 60 % of 10.0 MB, 1.0 MB/s, 0:04 left  blk.0.ffn_down.weight');
  assert.equal(frames.at(-1), '');
});

test('before the first byte nothing is said of how long it takes', (t) => {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const frames: string[] = [];
  const sink = { isTTY: true, columns: 100, write: (text: string) => void frames.push(text) };
  const progress = byteProgress(sink, { json: false });
  for (; frames.length === 0 && now < 5000; now += 500) {
    progress.update({ stage: 'fetch', tensor: 'tekken.json', doneBytes: 1e6, totalBytes: total, skippedBytes: 1e6 });
  }
  assert.equal(frames[0], '\r\u001B[K[##..................] fetch 10 % of 10.0 MB  tekken.json');
});

test('programs are told of no time either before the first byte, and of none left after the last', (t) => {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const written: string[] = [];
  const progress = byteProgress({ isTTY: false, write: (text) => void written.push(text) }, { json: true });
  const fetched = { stage: 'fetch', tensor: 'tekken.json', totalBytes: total };
  for (; written.length === 0 && now < 5000; now += 500)
    progress.update({ ...fetched, doneBytes: 1e6, skippedBytes: 1e6 });
  progress.update({ ...fetched, doneBytes: total, skippedBytes: total });
  const lefts = written.map((line) => (JSON.parse(line) as { seconds_left?: number }).seconds_left);
  assert.deepEqual(lefts, [undefined, 0]);
});

test('a narrow terminal is never wrapped', (t) => {
  for (const frame of run(t, { isTTY: true, columns: 30 }, false).split('\r\u001B[K')) assert.ok(frame.length < 30);
});

test('elsewhere there is a line every tenth', (t) => {
  const lines = run(t, { isTTY: false }, false).trimEnd().split('\n');
  assert.equal(lines.length, 8);
  assert.equal(lines[0], 'write 30 % of 10.0 MB, 1.0 MB/s, 0:07 left');
  assert.equal(lines.at(-1), 'write 100 % of 10.0 MB, 1.0 MB/s, 0:00 left');
});

test('programs get events', (t) => {
  const events = run(t, { isTTY: true }, true)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(events.at(-1), {
    version: 1,
    event: 'progress',
    stage: 'write',
    tensor: 'blk.0.ffn_down.weight',
    done_bytes: total,
    total_bytes: total,
    bytes_per_second: 1_000_000,
    seconds_left: 0,
  });
});
