import { type WholeDistribution, logProbabilities } from '../../decoder/log-probabilities.ts';
import { Sequence } from '../../decoder/sequence.ts';
import type { Picture } from '../../image/decoder/load.ts';
import { combineOrders } from '../../asking/decisions/combine-orders.ts';
import { nextToRead } from '../../asking/decisions/filter.ts';
import type { StageClock } from '../../asking/clock.ts';
import type { EngineEvent } from '../../asking/events.ts';
import { prefill } from '../answers/prefill.ts';
import type { Slot } from '../answers/slots.ts';
import type { Loaded } from '../runtime/runtime.ts';
import { LabelReader } from './label-reader.ts';
import type { DecisionAsk, DecisionPlan } from './plan-decisions.ts';
import { type DecisionReading, type Decisions, optionsOf } from '../../asking/decisions/question.ts';

export interface ReadingOptions {
  loaded: Loaded;
  clock: StageClock;
  /** Each question in calls of its own. */
  reproducible: boolean;
  /** The state of their prompt is not kept. */
  once: boolean;
  signal: AbortSignal | undefined;
}

/** What was read of all questions, in their order. */
export interface DecisionReadings {
  readings: DecisionReading[];
  /** Ids that were asked about; those of equal beginnings once. */
  promptTokens: number;
  /** Pictures that the tower did not have to look at. */
  cached: Set<Picture>;
}

/**
 * Reads the model's distribution at the beginning of the answer to each question. All share what comes before the
 * question; their own few ids are appended in one call, each in a sequence of its own.
 */
export async function* readDecisions(
  { asks }: DecisionPlan,
  { filter, questions }: Decisions,
  options: ReadingOptions,
): AsyncGenerator<EngineEvent, DecisionReadings> {
  const result: DecisionReadings = { readings: [], promptTokens: 0, cached: new Set() };
  const read = async function* (these: DecisionAsk[][]): AsyncGenerator<EngineEvent, void> {
    const branches = yield* readAll(these.flat(), { ...options, result });
    for (const orders of these)
      result.readings.push(
        combineOrders(
          orders[0]!.question,
          orders.map((ask) => branches.get(ask)!.reader),
        ),
      );
  };
  if (!filter) {
    yield* read(asks);
    return result;
  }
  const next = (): string | undefined => nextToRead({ questions, filter }, result.readings);
  for (let name = next(); name !== undefined; name = next()) {
    yield* read([asks[questions.findIndex((question) => question.name === name)]!]);
  }
  return result;
}

interface Branch {
  ask: DecisionAsk;
  slot: Slot;
  /** Ids of the question that the sequence does not hold yet. */
  rest: readonly number[];
  reader: LabelReader;
}

async function* readAll(
  asks: readonly DecisionAsk[],
  options: ReadingOptions & { result: DecisionReadings },
): AsyncGenerator<EngineEvent, Map<DecisionAsk, Branch>> {
  const read = new Map<DecisionAsk, Branch>();
  for (let begun = 0; begun < asks.length; begun = read.size) {
    const together: Branch[] = [];
    try {
      while (together.length === 0 || (options.loaded.slots.hasFree && begun + together.length < asks.length)) {
        together.push(yield* beginBranch(asks[begun + together.length]!, options));
      }
      await follow(together, options);
    } finally {
      for (const { slot } of together) slot.inWork = false;
    }
    for (const branch of together) read.set(branch.ask, branch);
  }
  return read;
}

async function* beginBranch(
  ask: DecisionAsk,
  { loaded, clock, once, signal, result }: ReadingOptions & { result: DecisionReadings },
): AsyncGenerator<EngineEvent, Branch> {
  const { slot, rest, cached } = yield* prefill(ask.runs, { ...loaded, clock, once, signal, leaveLast: true });
  for (const image of cached) if (result.promptTokens === 0) result.cached.add(image);
  result.promptTokens += result.promptTokens === 0 ? ask.promptTokens : rest.length;
  return { ask, slot, rest, reader: new LabelReader(ask.tree, optionsOf(ask.question).length) };
}

/** Down all trees at once, a token deeper with each call, until every option of every question is known. */
async function follow(branches: readonly Branch[], { clock, reproducible, signal }: ReadingOptions): Promise<void> {
  const room = reproducible ? 1 : branches[0]!.slot.sequence.context.callSize;
  const ends = new Map(branches.map(({ slot, rest }) => [slot, slot.sequence.length + rest.length]));
  const see = async (steps: readonly { branch: Branch; ids: readonly number[] }[]): Promise<void> => {
    for (const call of calls(steps, room)) {
      const next = call.map(({ branch, ids }) => ({ sequence: branch.slot.sequence, ids, wanted: true }));
      await clock.time('decode_ms', () => Sequence.appendJointly(next, signal));
      for (const { branch } of call) branch.reader.see(distributionAfter(branch.slot.sequence));
      for (const { branch } of call) branch.slot.sequence.truncate(ends.get(branch.slot)!);
    }
  };
  await see(branches.map((branch) => ({ branch, ids: branch.rest })));
  for (;;) {
    const deeper = branches.flatMap((branch) => (branch.reader.path ? [{ branch, ids: branch.reader.path }] : []));
    if (deeper.length === 0) return;
    await see(deeper);
  }
}

/** As many at once as one call may take. */
function calls<T extends { ids: readonly number[] }>(steps: readonly T[], room: number): T[][] {
  const groups: T[][] = [];
  let taken = Infinity;
  for (const step of steps) {
    taken += step.ids.length;
    if (taken > room) {
      groups.push([]);
      taken = step.ids.length;
    }
    groups.at(-1)!.push(step);
  }
  return groups;
}

function distributionAfter(sequence: Sequence): WholeDistribution {
  return logProbabilities(sequence.context.model.logits.take(sequence.logits()));
}
