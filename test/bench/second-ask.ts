import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Answer } from '../../src/asking/events.ts';
import { pixtral, runCommand } from './run-command.ts';

/** Seconds until the first token of an answer is there. */
export interface FirstToken {
  /** From the start of the process. */
  process: number;
  /** From the start of loading the model; by the answer's own account. */
  load: number;
  /** From the picture on, with the model loaded; by the answer's own account. */
  picture: number;
}

/** Two questions about one picture, each in a process of its own: the second finds what the first has kept. */
export async function askTwice(
  picture: string,
  { pair, threads, scratch }: { pair: string; threads: number; scratch: string },
): Promise<{ first: FirstToken; second: FirstToken }> {
  const cache = join(scratch, 'cache');
  await rm(join(cache, 'results'), { recursive: true, force: true });
  const ask = async (question: string, isKept: boolean): Promise<FirstToken> => {
    const runtime = ['--model', pair, '--gpu', 'off', '--threads', String(threads), '--temperature', '0'];
    const words = [...pixtral, 'ask', picture, question, ...runtime, '--max-tokens', '1', '--json'];
    const { stdout, firstByteSeconds } = await runCommand(words, { PIXTRAL_CACHE: cache });
    const { images, timings, usage } = JSON.parse(stdout) as Answer;
    if (images[0]?.cached !== isKept || usage.completion !== 1)
      throw new Error(`${picture}: not as expected: ${stdout}`);
    const { load_ms: load, image_ms: image, encode_ms: encode, prefill_ms: prefill } = timings;
    const seconds = (image + encode + prefill) / 1000;
    return { process: firstByteSeconds, load: seconds + load / 1000, picture: seconds };
  };
  return { first: await ask('What is on the left?', false), second: await ask('Which colours are there?', true) };
}
