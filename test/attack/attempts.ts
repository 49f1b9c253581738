/**
 * Attempts in a process of their own, one after another, each from a seed of its own: whatever ends or holds up that
 * process is a finding, and the next one goes on behind it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Random, seeded } from '../fuzz/mutate.ts';

/** What became of an attempt: results, errors of ours, or something that must not be. */
export interface Outcome {
  answered: number;
  refused: number;
  wrong?: string;
}

export interface Attempts {
  attempt(random: Random): Promise<Outcome>;
  close(): Promise<void>;
}

/** Loading the program and a model on a busy machine. */
const startMilliseconds = 120_000;

type Message = { kind: 'ready' } | { kind: 'begun'; index: number } | ({ kind: 'ended'; index: number } & Outcome);

/** Run by a script of this folder: as the one that counts, or as the process that attempts. */
export async function attack(script: string, prepare: () => Promise<Attempts>): Promise<void> {
  if (process.send) await attemptAll(prepare);
  else await countAll(fileURLToPath(script));
}

async function attemptAll(prepare: () => Promise<Attempts>): Promise<void> {
  const [from = 0, to = 0, seed = 1] = process.argv.slice(2).map(Number);
  const send = (message: Message): Promise<void> => new Promise((resolve) => process.send!(message, () => resolve()));
  process.once('disconnect', () => process.exit()); // whoever counts is gone
  const attempts = await prepare();
  await attempts.attempt(seeded(0)).catch(thrown); // what is loaded once is no part of an attempt
  await send({ kind: 'ready' });
  for (let index = from; index < to; index++) {
    await send({ kind: 'begun', index });
    const random = seeded(seed * 1_000_003 + index);
    const outcome = await attempts.attempt(random).catch(thrown);
    await send({ kind: 'ended', index, ...outcome });
  }
  await attempts.close();
  process.disconnect();
}

function thrown(error: unknown): Outcome {
  return { answered: 0, refused: 0, wrong: error instanceof Error ? String(error.stack) : String(error) };
}

async function countAll(script: string): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      patience: { type: 'string', default: '10' }, // seconds for one attempt; longer is a hang
    },
  });
  const [count, seed, patienceSeconds] = [Number(values.count), Number(values.seed), Number(values.patience)];
  const sums = { answered: 0, refused: 0, found: 0 };
  const start = performance.now();
  let slowest = { index: 0, milliseconds: 0 };
  const find = (index: number, what: string): void => {
    sums.found++;
    console.log(`finding at ${index}, seed ${seed}: ${what}`);
  };
  for (let from = Number(values.from); from < count;) {
    const end = await attemptsFrom(
      script,
      { from, to: count, seed, patienceSeconds },
      (index, outcome, milliseconds) => {
        sums.answered += outcome.answered;
        sums.refused += outcome.refused;
        if (outcome.wrong !== undefined) find(index, outcome.wrong);
        if (milliseconds > slowest.milliseconds) slowest = { index, milliseconds };
      },
    );
    if (end.what !== undefined) find(end.index, end.what);
    from = end.index + 1;
  }
  const seconds = Math.round((performance.now() - start) / 1000);
  const { answered, refused, found } = sums;
  console.log(
    `${count} attempts, seed ${seed}: ${answered} answered, ${refused} refused, ${found} found, ${seconds} s`,
  );
  console.log(`slowest: ${slowest.index}, ${Math.round(slowest.milliseconds)} ms`);
  if (found > 0) process.exitCode = 1;
}

/** The last attempt of one process, and what ended it before all were done. */
async function attemptsFrom(
  script: string,
  { from, to, seed, patienceSeconds }: { from: number; to: number; seed: number; patienceSeconds: number },
  onEnd: (index: number, outcome: Outcome, milliseconds: number) => void,
): Promise<{ index: number; what: string | undefined }> {
  const child: ChildProcess = fork(script, [from, to, seed].map(String), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  let index = from;
  let begun = performance.now();
  let isHung = false;
  const hang = (): void => {
    isHung = true;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(hang, startMilliseconds);
  child.on('message', (message: Message) => {
    clearTimeout(timer);
    if (message.kind === 'ready') return;
    if (message.kind === 'begun') {
      index = message.index;
      begun = performance.now();
      const busy = Math.max(1, loadavg()[0]! / availableParallelism());
      timer = setTimeout(hang, 1000 * patienceSeconds * busy);
    } else onEnd(message.index, message, performance.now() - begun);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('exit', (...end) => resolve(end));
  });
  clearTimeout(timer);
  if (isHung) return { index, what: `no end within ${patienceSeconds} s` };
  return code === 0 ? { index: to, what: undefined } : { index, what: `the process ended with ${signal ?? code}` };
}
