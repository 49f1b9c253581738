import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timings, timingsText } from '../../src/output/timings.ts';

function example() {
  const sums = timings();
  sums.add({ stage: 'start', start: 0 }, 100);
  sums.add({ stage: 'decode', start: 200 }, 300);
  sums.add({ stage: 'grammar_beside', start: 250 }, 270);
  sums.add({ stage: 'grammar', start: 310 }, 320);
  sums.add({ stage: 'draw', start: 300 }, 340);
  sums.add({ stage: 'decode', start: 400 }, 600);
  sums.add({ stage: 'question', start: 0 }, 900);
  return sums;
}

test('a table tells what each stage took, and what no stage was at work in', () => {
  assert.equal(
    timingsText(example(), { whole: 1000, json: false }),
    [
      'stage                           times    seconds    share',
      'start of the program                1      0.100   10.0 %',
      'answer, model                       2      0.300   30.0 %',
      'answer, choice of tokens            1      0.040    4.0 %',
      '  of it grammar                     1      0.010    1.0 %',
      'grammar while the model works       1      0.020    2.0 %',
      'none of these                              0.560   56.0 %',
      'whole                                      1.000  100.0 %',
      '',
    ].join('\n'),
  );
});

test('as JSON it is one line', () => {
  assert.deepEqual(JSON.parse(timingsText(example(), { whole: 1000, json: true })), {
    version: 1,
    timings: {
      questions: 1,
      whole_ms: 1000,
      other_ms: 560,
      stages: {
        start: { times: 1, ms: 100 },
        decode: { times: 2, ms: 300 },
        draw: { times: 1, ms: 40 },
        grammar: { times: 1, ms: 10 },
        grammar_beside: { times: 1, ms: 20 },
      },
    },
  });
});

test('overlaps count once, however many gaps there are before', () => {
  const sums = timings();
  for (let index = 0; index < 20_000; index++) sums.add({ stage: 'decode', start: index }, index + 0.5);
  assert.equal(sums.covered(), 10_000);
  sums.add({ stage: 'tower', start: 19_990 }, 20_000);
  assert.equal(sums.covered(), 10_005);
});
