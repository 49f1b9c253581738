import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecoderContext } from '../../src/decoder/context.ts';
import { Sequence } from '../../src/decoder/sequence.ts';
import { relativeError } from '../helpers/checkpoints.ts';
import { loadedDecoder } from '../helpers/loaded.ts';

const loaded = loadedDecoder('q8_0');

async function withSequences<T>(
  sequences: number | { sequences: number; batchSize: number },
  use: (...sequences: Sequence[]) => Promise<T>,
): Promise<T> {
  const counts = typeof sequences === 'number' ? { sequences, batchSize: 128 } : sequences;
  const shape = { contextSize: 1024, ...counts, cacheType: 'q8_0' } as const;
  const context = await DecoderContext.open(loaded.model, { ...shape, threads: 1, abort: loaded.abort });
  try {
    return await use(...context.sequences);
  } finally {
    context.close();
  }
}

/** Ids of text, others for each seed. */
const ids = (seed: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => 20 + ((seed * 7919 + index * index * 31 + index * 17) % 400));

const logitsAlone = (...parts: number[][]): Promise<Float32Array> =>
  withSequences(1, async (sequence) => {
    for (const part of parts) await sequence.appendIds(part, undefined);
    return sequence.logits().slice();
  });

test('a sequence between neighbours of other lengths has the very logits that it has alone', async () => {
  await withSequences(4, async (...sequences) => {
    for (const [seed, sequence] of sequences.entries()) await sequence.appendIds(ids(seed, 40 + 150 * seed), undefined);
    for (const [seed, sequence] of sequences.toReversed().entries()) {
      await sequence.appendIds([30 + seed], undefined);
      const expected = await logitsAlone(ids(sequence.id, 40 + 150 * sequence.id), [30 + seed]);
      assert.deepEqual(sequence.logits(), expected);
    }
  });
});

test('one call for several sequences gives each its own logits, rounded otherwise', async () => {
  await withSequences(4, async (...sequences) => {
    for (const [seed, sequence] of sequences.entries()) await sequence.appendIds(ids(seed, 300 - 70 * seed), undefined);
    const some = [sequences[3]!, sequences[0]!, sequences[1]!]; // in any order, and with a gap
    await Sequence.appendJointly(
      some.map((sequence) => ({ sequence, ids: [50 + sequence.id], wanted: true })),
      undefined,
    );
    for (const sequence of some) {
      const expected = await logitsAlone(ids(sequence.id, 300 - 70 * sequence.id), [50 + sequence.id]);
      assert.ok(relativeError(sequence.logits(), expected) < 2e-2);
      assert.equal(sequence.length, 301 - 70 * sequence.id);
    }
    const [, , between] = sequences;
    assert.throws(() => between!.logits(), /gone/);
    // The call was filled up with it: nothing of that is left.
    assert.equal(between!.length, 160);
    await between!.appendIds([60], undefined);
    assert.deepEqual(between!.logits(), await logitsAlone(ids(2, 160), [60]));
  });
});

test('a call that is filled up to equal lengths leaves what was asked for alone, and no logits where none are wanted', async () => {
  await withSequences(4, async (...sequences) => {
    for (const [seed, sequence] of sequences.entries()) await sequence.appendIds(ids(seed, 90), undefined);
    const next = [0, 1, 3].map((id) => ({
      sequence: sequences[id]!,
      ids: ids(20 + id, 11 + id),
      wanted: id !== 1,
    }));
    await Sequence.appendJointly(next, undefined);
    assert.throws(() => sequences[1]!.logits(), /gone/);
    for (const { sequence, ids: appended, wanted } of next) {
      if (!wanted) continue;
      const expected = await logitsAlone(ids(sequence.id, 90), appended);
      assert.ok(relativeError(sequence.logits(), expected) < 2e-2);
    }
    assert.deepEqual(
      sequences.map(({ length }) => length),
      [101, 102, 90, 104],
    );
    for (const sequence of sequences) {
      const { id } = sequence;
      await sequence.appendIds([70], undefined);
      const expected = await logitsAlone(ids(id, 90), id === 2 ? [] : ids(20 + id, 11 + id), [70]);
      assert.ok(relativeError(sequence.logits(), expected) < 2e-2);
    }
  });
});

test('one call may append several ids to each, as many as each has; each gets the logits after its last one', async () => {
  await withSequences(3, async (...sequences) => {
    for (const [seed, sequence] of sequences.entries()) await sequence.appendIds(ids(seed, 90), undefined);
    const next = sequences.map((sequence) => ({
      sequence,
      ids: ids(20 + sequence.id, 1 + 12 * sequence.id),
      wanted: true,
    }));
    await Sequence.appendJointly(next.toReversed(), undefined);
    for (const { sequence, ids: appended } of next) {
      const expected = await logitsAlone(ids(sequence.id, 90), appended);
      assert.ok(relativeError(sequence.logits(), expected) < 2e-2);
      assert.equal(sequence.length, 91 + 12 * sequence.id);
    }
  });
});

test('of what is more than its share of a call, a sequence is given the first ones before', async () => {
  await withSequences({ sequences: 3, batchSize: 16 }, async (...sequences) => {
    for (const [seed, sequence] of sequences.entries()) await sequence.appendIds(ids(seed, 40), undefined);
    const next = sequences.map((sequence) => ({
      sequence,
      ids: ids(20 + sequence.id, 1 + 30 * sequence.id),
      wanted: true,
    }));
    await Sequence.appendJointly(next, undefined);
    for (const { sequence, ids: appended } of next) {
      const expected = await logitsAlone(ids(sequence.id, 40), appended);
      assert.ok(relativeError(sequence.logits(), expected) < 2e-2);
      assert.equal(sequence.length, 41 + 30 * sequence.id);
    }
  });
});

test('one call may be for more sequences than a prompt has tokens in a call', async () => {
  await withSequences({ sequences: 4, batchSize: 2 }, async (...sequences) => {
    await Sequence.appendJointly(
      sequences.map((sequence) => ({ sequence, ids: [50 + sequence.id], wanted: true })),
      undefined,
    );
    for (const { length } of sequences) assert.equal(length, 1);
  });
});

test('a copied beginning goes on as if it had been computed, and the other one goes on too', async () => {
  const [shared, left, right] = [ids(1, 256), ids(2, 77), ids(3, 130)];
  await withSequences(3, async (one, _between, other) => {
    await other.appendIds(ids(4, 500), undefined); // forgotten, but still there
    await one.appendIds(shared, undefined);
    await one.appendIds(left, undefined);
    other.copyBeginning(one, shared.length);
    assert.equal(other.length, 256);
    await other.appendIds(right, undefined);
    assert.deepEqual(other.logits(), await logitsAlone(shared, right));
    await one.appendIds([44], undefined);
    assert.deepEqual(one.logits(), await logitsAlone(shared, left, [44]));
    one.truncate(256);
    await one.appendIds(right, undefined);
    assert.deepEqual(one.logits(), await logitsAlone(shared, right));
  });
});

test('a state goes from any sequence to any other, whatever their contexts hold besides', async () => {
  const [prompt, rest] = [ids(5, 300), ids(6, 20)];
  const expected = await logitsAlone(prompt, rest);
  for (const [from, to] of [
    [1, 4],
    [4, 1],
    [3, 2],
  ] as const) {
    const state = await withSequences(from, async (...sequences) => {
      for (const sequence of sequences) await sequence.appendIds(ids(sequence.id, 99), undefined);
      const last = sequences.at(-1)!;
      last.truncate(0);
      await last.appendIds(prompt, undefined);
      const bytes = await last.state();
      assert.equal(bytes.byteLength, last.stateByteLength());
      return bytes;
    });
    await withSequences(to, async (...sequences) => {
      for (const sequence of sequences) await sequence.appendIds(ids(9, 400), undefined);
      for (const sequence of sequences) {
        assert.equal(await sequence.restore(state, prompt.length), true);
        await sequence.appendIds(rest, undefined);
        assert.deepEqual(sequence.logits(), expected);
      }
    });
  }
});

test('nothing is restored between a copy and the call that moves its values', async () => {
  await withSequences(2, async (...sequences) => {
    const [one, other] = [sequences[0]!, sequences[1]!];
    await one.appendIds(ids(1, 200), undefined);
    const state = await one.state();
    other.copyBeginning(one, 200);
    assert.equal(await other.restore(state, 200), false);
    await other.appendIds(ids(2, 40), undefined);
    assert.deepEqual(other.logits(), await logitsAlone(ids(2, 40)));
    assert.equal(await one.restore(state, 200), true);
    await one.appendIds(ids(3, 10), undefined);
    assert.deepEqual(one.logits(), await logitsAlone(ids(1, 200), ids(3, 10)));
  });
});

test('a state that is cut short is refused, and leaves the sequence empty and of use', async () => {
  await withSequences(2, async (...sequences) => {
    await sequences[0]!.appendIds(ids(7, 50), undefined);
    const state = await sequences[0]!.state();
    assert.equal(await sequences[1]!.restore(state.subarray(0, state.byteLength - 8), 50), false);
    assert.equal(sequences[1]!.length, 0);
    await sequences[1]!.appendIds(ids(8, 60), undefined);
    assert.deepEqual(sequences[1]!.logits(), await logitsAlone(ids(8, 60)));
  });
});

test('logits that are no numbers are an error, and mark the context as one to be left', async () => {
  await withSequences(2, async (...sequences) => {
    const [good, bad] = [sequences[0]!, sequences[1]!];
    await bad.appendRows(new Float32Array(loaded.model.config.dim).fill(Infinity), undefined);
    assert.throws(() => bad.logits(), { code: 'machine', message: /logits are no numbers/ });
    assert.equal(bad.context.isSpoiled, true);
    await good.appendIds(ids(1, 30), undefined);
    assert.deepEqual(good.logits(), await logitsAlone(ids(1, 30)));
  });
});

test('ids that were guessed are kept as far as the same ones come, with the logits behind them', async () => {
  await withSequences(3, async (...sequences) => {
    for (const [seed, sequence] of sequences.entries()) await sequence.appendIds(ids(seed, 60), undefined);
    for (const right of [0, 1, 2, 3]) {
      const before = sequences.map(({ length }) => length);
      const next = sequences.map((sequence) => ({
        sequence,
        ids: [50 + sequence.id],
        guesses: [60, 61, 62].slice(0, 3 - (sequence.id % 2)),
        wanted: true,
      }));
      await Sequence.appendJointly(next, undefined);
      const come = [...[60, 61, 62].slice(0, right), 90];
      for (const { sequence, guesses } of next) {
        const taken = sequence.take(come);
        assert.equal(taken, Math.min(right, guesses.length));
        assert.equal(sequence.length, before[sequence.id]! + 1 + taken);
        await sequence.appendIds(come.slice(taken), undefined);
      }
    }
    for (const { id, ...sequence } of sequences.map((one) => ({ id: one.id, logits: one.logits.bind(one) }))) {
      const told = [0, 1, 2, 3].flatMap((right) => [50 + id, ...[60, 61, 62].slice(0, right), 90]);
      if (id !== 2) continue; // the last call was of this one
      assert.ok(relativeError(sequence.logits(), await logitsAlone(ids(id, 60), told)) < 2e-2);
    }
  });
});

test('behind each guess that came stand the logits that a call of its own would give', async () => {
  await withSequences(2, async (...sequences) => {
    for (const [seed, sequence] of sequences.entries()) await sequence.appendIds(ids(seed, 60), undefined);
    const all = sequences.map((sequence) => ({ sequence, ids: [50], guesses: [60, 61], wanted: true }));
    await Sequence.appendJointly(all, undefined);
    for (const { sequence } of all) {
      const seed = sequence.id;
      assert.ok(relativeError(sequence.logits(), await logitsAlone(ids(seed, 60), [50])) < 2e-2);
      assert.equal(sequence.take([60]), 1);
      assert.ok(relativeError(sequence.logits(), await logitsAlone(ids(seed, 60), [50, 60])) < 2e-2);
      assert.equal(sequence.take([61]), 1);
      assert.ok(relativeError(sequence.logits(), await logitsAlone(ids(seed, 60), [50, 60, 61])) < 2e-2);
    }
    sequences[0]!.truncate(61);
    await sequences[0]!.appendIds([70], undefined);
    assert.ok(relativeError(sequences[0]!.logits(), await logitsAlone(ids(0, 60), [50], [70])) < 2e-2);
  });
});
