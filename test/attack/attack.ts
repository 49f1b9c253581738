import { type ChildProcess, fork } from 'node:child_process';

/** One mutant: what it is follows from its seed and number. */
export interface Task {
  seed: number;
  index: number;
}

/** What became of a mutant that the product did not answer for: the code of its error, or a trace. */
export type Outcome = 'answered' | 'usage' | 'input' | 'model' | 'machine' | 'trace';

export type Report =
  | { kind: 'ready' }
  | { kind: 'mutant'; what: string }
  | { kind: 'end'; index: number; outcome: Outcome; text?: string; milliseconds: number };

export interface Finding extends Task {
  fault: 'native crash' | 'hang' | 'trace' | 'wrong exit code';
  what: string;
  text: string;
}

export interface Summary {
  mutants: number;
  outcomes: Record<string, number>;
  slowestMilliseconds: number;
  findings: Finding[];
}

export interface AttackOptions {
  worker: URL;
  seed: number;
  from: number;
  count: number;
  processes: number;
  /** For one mutant; longer is a hang. */
  patienceSeconds: number;
  /** Whether a mutant may end like this. */
  isRight: (outcome: Outcome, text: string) => boolean;
  onProgress?: (done: number) => void;
}

/** Has worker processes make and try mutants; one that ends a worker costs only that worker. */
export async function attack(options: AttackOptions): Promise<Summary> {
  const summary: Summary = { mutants: 0, outcomes: {}, slowestMilliseconds: 0, findings: [] };
  const end = options.from + options.count;
  let next = options.from;
  const take = (): number | undefined => (next < end ? next++ : undefined);
  await Promise.all(
    Array.from({ length: options.processes }, async () => {
      let index = take();
      while (index !== undefined) index = await useWorker(index, { take, summary, options });
    }),
  );
  return summary;
}

interface Using {
  take: () => number | undefined;
  summary: Summary;
  options: AttackOptions;
}

/** Goes on with one worker until there are no more mutants, or it ends; returns the one to go on with. */
function useWorker(first: number, { take, summary, options }: Using): Promise<number | undefined> {
  const { worker, seed, patienceSeconds, isRight, onProgress } = options;
  return new Promise((resolve) => {
    const child: ChildProcess = fork(worker, {
      execArgv: process.execArgv,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let log = '';
    child.stderr!.on('data', (bytes: Buffer) => (log = (log + bytes.toString()).slice(-2000)));
    let index: number | undefined = first;
    let what = '';
    let hung = false;
    let timer: NodeJS.Timeout | undefined;
    const find = (fault: Finding['fault'], text: string): void => {
      summary.findings.push({ seed, index: index!, fault, what, text });
    };
    const begin = (): void => {
      what = '';
      timer = setTimeout(() => {
        hung = true;
        child.kill('SIGKILL');
      }, 1000 * patienceSeconds);
      child.send({ seed, index: index! });
    };
    const count = (outcome: string): void => {
      summary.mutants++;
      summary.outcomes[outcome] = (summary.outcomes[outcome] ?? 0) + 1;
      onProgress?.(summary.mutants);
    };
    child.on('message', (report: Report) => {
      if (report.kind === 'ready') begin();
      else if (report.kind === 'mutant') what = report.what;
      else {
        clearTimeout(timer);
        count(report.outcome);
        summary.slowestMilliseconds = Math.max(summary.slowestMilliseconds, report.milliseconds);
        const { outcome, text = '' } = report;
        if (outcome === 'trace') find('trace', text);
        else if (!isRight(outcome, text)) find('wrong exit code', `${outcome}: ${text}`);
        index = take();
        if (index !== undefined) return begin();
        child.kill('SIGTERM');
        resolve(undefined);
      }
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (index === undefined) return;
      count(hung ? 'hang' : 'native crash');
      find(hung ? 'hang' : 'native crash', `${signal ?? code}: ${log.slice(-600)}`);
      log = '';
      resolve(take());
    });
  });
}
