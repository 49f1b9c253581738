import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { stopWatch } from '../../src/asking/stop.ts';

test('a stop string is found across pieces and never shown', () => {
  const watch = stopWatch(['END']);
  assert.deepEqual(watch.push('the E'), { text: 'the ', stop: undefined });
  assert.deepEqual(watch.push('ND of it'), { text: '', stop: 'END' });
});

test('a beginning that turns out harmless is shown', () => {
  const watch = stopWatch(['END', 'ENOUGH']);
  assert.equal(watch.push('EN').text, '');
  assert.equal(watch.push('TER').text, 'ENTER');
  assert.equal(watch.push('E').text, '');
  assert.equal(watch.end(), 'E');
});

test('however the text is cut, what is shown is the text before the first stop string', () => {
  const letters = fc.stringMatching(/^[ab]*$/);
  fc.assert(
    fc.property(
      fc.array(letters),
      fc.array(
        letters.filter((stop) => stop !== ''),
        { maxLength: 3 },
      ),
      (pieces, stops) => {
        const watch = stopWatch(stops);
        let shown = '';
        let stopped = false;
        for (const piece of pieces) {
          const seen = watch.push(piece);
          shown += seen.text;
          stopped = seen.stop !== undefined;
          if (stopped) break;
        }
        if (!stopped) shown += watch.end();
        const text = pieces.join('');
        const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
        // A longer stop string may begin earlier but be complete later: the first complete one counts.
        if (ends.length === 0) assert.equal(shown, text);
        else assert.ok(stopped && text.startsWith(shown) && stops.some((stop) => text.startsWith(stop, shown.length)));
      },
    ),
  );
});
