/**
 * How long commands take from the start of their process to its end that compute nothing here, beside `node -e 0`: help,
 * version, a list, the tokens and the pixels of a drawing, and a question to a running server of the demo model.
 *
 *   npm run build && npm run bench:start -- [rounds]
 *
 * All take turns, so that other work on the machine slows all of them; processor seconds stand beside those of the clock.
 * Of the question, what the server says that it took itself is told apart.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { scenePath } from '../helpers/checkpoints.ts';
import { median } from './median.ts';
import { childrenSeconds } from './processor-seconds.ts';
import { pixtral } from './run-command.ts';
import { startServer } from './serve-ways.ts';

const rounds = Number(process.argv[2] ?? 20);
const scratch = await mkdtemp(join(tmpdir(), 'pixtral-start-'));
const threads = availableParallelism();
const server = await startServer('pixtral', {
  pair: 'demo',
  contextSize: 256,
  slots: 8,
  threads,
  scratch,
  tree: '',
});
const picture = scenePath('demo/0022a.png');
const sizes = ['--gpu', 'off', '--context', '256', '--threads', String(threads), '--cache-type', 'f16'];
const question = ['ask', picture, 'what do you see?', '--model', 'demo', '--temperature', '0', '--json', ...sizes];

const commands: Record<string, readonly string[]> = {
  'node -e 0': [process.execPath, '-e', '0'],
  'pixtral --version': [...pixtral, '--version'],
  'pixtral --help': [...pixtral, '--help'],
  'pixtral ask --help': [...pixtral, 'ask', '--help'],
  'pixtral models': [...pixtral, 'models'],
  'pixtral tokens': [...pixtral, 'tokens', picture, 'what do you see?', '--model', 'demo'],
  'pixtral view': [...pixtral, 'view', picture, '-o', join(scratch, 'seen.png'), '--force', '--model', 'demo'],
  'pixtral ask, at a running server': [...pixtral, ...question],
  'the same, one token': [...pixtral, ...question, '--max-tokens', '1'],
};

interface Took {
  wall: number[];
  processor: number[];
  /** By the server's own account. */
  answering: number[];
}

try {
  const took = new Map<string, Took>(
    Object.keys(commands).map((name) => [name, { wall: [], processor: [], answering: [] }]),
  );
  for (let round = 0; round <= rounds; round++) {
    for (const [name, words] of Object.entries(commands)) {
      const run = timed(words);
      if (round === 0) continue; // files come into memory, the picture and its prompt into the server's cache
      const { wall, processor, answering } = took.get(name)!;
      wall.push(run.wall);
      processor.push(run.processor);
      if (run.answering !== undefined) answering.push(run.answering);
    }
  }
  const [floor] = took.values();
  console.log(
    `median of ${rounds} rounds (of the processor their mean), milliseconds; behind them as a multiple of node's own\n`,
  );
  console.log('| | from start to end | of the processor | the server itself |');
  console.log('| --- | ---: | ---: | ---: |');
  for (const [name, { wall, processor, answering }] of took) {
    const cell = (own: number, least: number): string => `${own.toFixed(0)} (${(own / least).toFixed(1)})`;
    const cells = [cell(median(wall), median(floor!.wall)), cell(mean(processor), mean(floor!.processor))];
    console.log(`| ${name} | ${cells.join(' | ')} | ${answering.length > 0 ? median(answering).toFixed(0) : ''} |`);
  }
} finally {
  await server.close();
  await rm(scratch, { recursive: true, force: true });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}

/** @throws when it does not end with 0 */
function timed([command, ...words]: readonly string[]): {
  wall: number;
  processor: number;
  answering: number | undefined;
} {
  const before = childrenSeconds();
  const start = performance.now();
  const stdout = execFileSync(command!, words, {
    env: { ...process.env, ...server.env },
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
  const wall = performance.now() - start;
  const processor = (childrenSeconds() - before) * 1000; // in tens, so their mean is told
  const answer = stdout.startsWith('{"version"') ? (JSON.parse(stdout) as { timings?: Record<string, number> }) : {};
  const answering = answer.timings && Object.values(answer.timings).reduce((sum, one) => sum + one, 0);
  return { wall, processor, answering };
}
