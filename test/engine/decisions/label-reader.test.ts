import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../helpers/fast-check.ts';
import { logProbabilities } from '../../../src/decoder/log-probabilities.ts';
import { Logits } from '../../../src/decoder/logits.ts';
import { LabelReader } from '../../../src/engine/decisions/label-reader.ts';
import { type LabelNode, depthOf, labelTree } from '../../../src/engine/decisions/label-tree.ts';

/** Letters are tokens of their own; a blank, and `ab` and `AB`, are one token each. */
const vocabulary = ['ab', 'AB', ...Array.from(' abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ')];
const logits = new Logits(vocabulary.length);

function encode(text: string): number[] {
  const ids: number[] = [];
  for (let at = 0; at < text.length;) {
    const id = vocabulary.findIndex((piece) => text.startsWith(piece, at));
    ids.push(id);
    at += vocabulary[id]!.length;
  }
  return ids;
}

/** A distribution that depends on all that stands before. */
function logitsAfter(path: readonly number[]): Float32Array {
  return Float32Array.from(vocabulary, (_, id) =>
    Math.sin((id + 1) * (path.reduce((sum, one) => sum * 7 + one + 1, 3) % 97)),
  );
}

function probabilityOf(path: readonly number[], id: number): number {
  const powers = [...logitsAfter(path)].map(Math.exp);
  return powers[id]! / powers.reduce((sum, power) => sum + power, 0);
}

function read(tree: LabelNode, options: number): LabelReader {
  const reader = new LabelReader(tree, options);
  for (let looked = 0; reader.path; looked++) {
    assert.ok(looked < 1000);
    reader.see(logProbabilities(logits.take(logitsAfter(reader.path))));
  }
  return reader;
}

/**
 * Slow and obvious: every way of saying something that is an option's spelling, or begins with just one's, of which the
 * next four tokens are looked at where it is likely.
 */
function oracle(labels: readonly string[]): number[] {
  const spellings = labels.map((label) => {
    const cases = [label, label.toLowerCase(), label.toUpperCase(), label[0]!.toUpperCase() + label.slice(1)];
    return [...new Set(cases.flatMap((text) => [text, ` ${text}`]))].map(encode);
  });
  const begins = (ids: readonly number[], path: readonly number[]): boolean => path.every((id, at) => ids[at] === id);
  const totals = labels.map(() => 0);
  const walk = (path: readonly number[], probability: number, told = 0): void => {
    const possible = spellings.flatMap((ways, option) => (ways.some((ids) => begins(ids, path)) ? [option] : []));
    if (possible.length === 0) return;
    const isSpelled = spellings.some((ways) => ways.some((ids) => ids.length === path.length && begins(ids, path)));
    if (possible.length === 1 && (isSpelled || told > 4 || probability < 0.01)) {
      totals[possible[0]!]! += probability;
      return;
    }
    const next = new Set(
      spellings.flat().flatMap((ids) => (begins(ids, path) && ids.length > path.length ? [ids[path.length]!] : [])),
    );
    let goesOn = 0;
    for (const id of next) {
      goesOn += probabilityOf(path, id);
      const after = [...path, id];
      const left = spellings.filter((ways) => ways.some((ids) => begins(ids, after))).length;
      walk(after, probability * probabilityOf(path, id), left === 1 ? told + 1 : 0);
    }
    const ended = spellings.findIndex((ways) => ways.some((ids) => ids.length === path.length && begins(ids, path)));
    if (ended >= 0) totals[ended]! += probability * (1 - goesOn);
  };
  walk([], 1);
  return totals;
}

const label = fc.stringMatching(/^[abc]{1,4}$/);

test('options have the probability of all their spellings, down to their ends where they are likely', () => {
  fc.assert(
    fc.property(fc.uniqueArray(label, { minLength: 2, maxLength: 6 }), (labels) => {
      const { probabilities } = read(labelTree(labels, encode), labels.length);
      for (const [option, expected] of oracle(labels).entries()) {
        assert.ok(Math.abs(probabilities[option]! - expected) < 1e-5, `${labels[option]}: ${probabilities[option]}`);
      }
    }),
    { numRuns: 300 },
  );
});

test('options of one token are read off one distribution, longer ones to their ends or four tokens further', () => {
  assert.equal(depthOf(labelTree(['x', 'y'], encode)), 2); // a blank before each is a token of its own here
  assert.equal(depthOf(labelTree(['abx', 'aby'], encode)), 4);
  assert.equal(depthOf(labelTree(['yes', 'no'], encode)), 4);
  assert.equal(depthOf(labelTree(['xxxxxxxxxxxx', 'y'], encode)), 6);
});

test('whether the likeliest token begins an option is told', () => {
  const best = logitsAfter([]).indexOf(Math.max(...logitsAfter([])));
  const other = vocabulary[best === 5 ? 6 : 5]!;
  assert.equal(read(labelTree([vocabulary[best]!, other], encode), 2).argmaxIsOption, true);
  const far = Array.from('defgh').filter(
    (one) => !encode(one).includes(best) && !encode(one.toUpperCase()).includes(best) && encode(' ')[0] !== best,
  );
  assert.equal(read(labelTree(far.slice(0, 2), encode), 2).argmaxIsOption, false);
});

test('a word that only begins like an option is none', () => {
  const reader = new LabelReader(labelTree(['xab', 'y'], encode), 2);
  const likely = (id: number): Float32Array => Float32Array.from(vocabulary, (_, other) => (other === id ? 20 : 0));
  reader.see(logProbabilities(logits.take(likely(vocabulary.indexOf('x')))));
  assert.deepEqual(reader.path, [vocabulary.indexOf('x')]);
  reader.see(logProbabilities(logits.take(likely(vocabulary.indexOf('z')))));
  assert.equal(reader.path, undefined);
  assert.ok(reader.probabilities.every((probability) => probability < 1e-6));
});

test('options that are spelled alike are refused by name', () => {
  assert.throws(() => labelTree(['Yes', 'no', 'YES'], encode), {
    code: 'input',
    message: /"Yes" and "YES": are spelled alike/,
  });
});
