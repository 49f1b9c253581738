import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from '../../src/remote/read-options.ts';

type Tokens = Record<string, number>;

/** A server that tells these shares of tokens behind what an answer begins with. */
async function read(labels: readonly string[], answers: Record<string, Tokens>, goesOn = true) {
  const asked: string[] = [];
  const next = async (begun: string) => {
    asked.push(begun);
    return Object.entries(answers[begun] ?? {}).map(([token, share]) => ({
      token,
      bytes: [],
      logprob: Math.log(share),
    }));
  };
  const { probabilities, argmaxIsOption } = await readOptions({ labels, where: 'there', next, goesOn });
  return { probabilities: probabilities.map((share) => Math.round(share * 1e6) / 1e6), argmaxIsOption, asked };
}

test('options that are one token are read in one request, all their spellings together', async () => {
  const { probabilities, argmaxIsOption, asked } = await read(['yes', 'no'], {
    '': { Yes: 0.5, ' yes': 0.1, no: 0.3, it: 0.1 },
  });
  assert.deepEqual(
    { probabilities, argmaxIsOption, asked },
    { probabilities: [0.6, 0.3], argmaxIsOption: true, asked: [''] },
  );
});

test('options of several tokens are read token by token, behind what they begin with', async () => {
  const { probabilities, asked } = await read(['red', 'blue', 'black'], {
    '': { red: 0.5, bl: 0.4, br: 0.1 },
    bl: { ack: 0.25, ue: 0.75 },
  });
  assert.deepEqual({ probabilities, asked }, { probabilities: [0.5, 0.3, 0.1], asked: ['', 'bl'] });
  const long = await read(['receipt', 'letter'], {
    '': { re: 0.8, letter: 0.2 },
    re: { ce: 0.5, cord: 0.5 },
    rece: { ipt: 1 },
  });
  assert.deepEqual(
    [long.probabilities, long.asked],
    [
      [0.4, 0.2],
      ['', 're', 'rece'],
    ],
  );
});

test('an option that begins another one has what does not go on to that', async () => {
  const numbers = await read(['1', '2', '10'], {
    '': { '1': 0.9, '2': 0.1 },
    '1': { '0': 0.25, '</s>': 0.7, '5': 0.05 },
  });
  assert.deepEqual(numbers.probabilities, [0.675, 0.1, 0.225]);
  const words = await read(['red', 'red wine'], { '': { red: 1 }, red: { ' wine': 0.4, '.': 0.6 } });
  assert.deepEqual(words.probabilities, [0.6, 0.4]);
});

test('an end that is told as an empty token goes nowhere', async () => {
  const { probabilities, asked } = await read(['1', '10'], { '': { '1': 0.9, '': 0.1 }, '1': { '': 0.8, '0': 0.2 } });
  assert.deepEqual(
    [probabilities, asked],
    [
      [0.72, 0.18],
      ['', '1'],
    ],
  );
});

test('what is hardly likely is not asked for', async () => {
  const { probabilities, asked } = await read(['red', 'blue'], { '': { red: 0.99, bl: 0.005 } });
  assert.deepEqual([probabilities, asked], [[0.99, 0], ['']]);
});

const untold: { labels: string[]; tokens: Tokens; says: RegExp }[] = [
  {
    labels: ['receipt', 'letter'],
    tokens: { rece: 0.5 },
    says: /"receipt" is more than one token there, beginning with "rece": /,
  },
  {
    labels: ['1', '10'],
    tokens: { '1': 0.9 },
    says: /"10" is more than one token there, beginning with "1", which is the option "1" too/,
  },
  { labels: ['red', 'red wine'], tokens: { red: 0.9 }, says: /"red wine" is more than one token/ },
];
for (const { labels, tokens, says } of untold) {
  test(`where a server begins anew each time, ${labels.join(' and ')} cannot be told`, async () => {
    await assert.rejects(read(labels, { '': tokens }, false), { code: 'input', message: says });
  });
}

test('there a word that is a token is told from a longer one that has its letters', async () => {
  const { probabilities } = await read(['no', 'not sure'], { '': { no: 0.7 } }, false);
  assert.deepEqual(probabilities, [0.7, 0]);
});

test('a server that was to go on and has begun anew is found out', async () => {
  await assert.rejects(read(['receipt', 'letter'], { '': { rece: 0.9 }, rece: { rece: 0.9 } }), {
    message: /"receipt" is more than one token there, beginning with "rece"/,
  });
});
