import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLlamaServer } from './llama-server.ts';
import { processSeconds } from './processor-seconds.ts';
import { type CommandRun, pixtral, runCommand } from './run-command.ts';

export interface Work {
  /** Of the GGUF pair. */
  pair: string;
  pictures: readonly string[];
  /** As small as a picture can be: answering about it with one token is next to nothing but start-up. */
  smallest: string;
  prompt: string;
  /** Of each answer; with a form at most. */
  tokens: number;
  /** What batches have in common, where they do. */
  common: { system: string; schema: object; schemaFile: string } | undefined;
  /** Of one question. */
  contextSize: number;
  threads: number;
  /** For a cache that no earlier run has filled. */
  scratch: string;
}

/** Tokens of one question and of its answer. */
interface Counted {
  prompt: number;
  completion: number;
}

interface WayRun {
  /** From the start of the first process until the last answer is there. */
  seconds: number;
  /** Of the processor, start-up included. */
  processorSeconds: number;
  /** Of the seconds, what goes by before the first picture is looked at. */
  startSeconds: number;
  answers: Counted[];
}

/** One way to have all pictures answered. */
export interface Way {
  name: string;
  run(work: Work): Promise<WayRun>;
}

/** @param parallel undefined leaves `--parallel` out */
export function pixtralBatch(parallel: string | undefined, more: readonly string[] = []): Way {
  const flags = [...(parallel === undefined ? [] : ['--parallel', parallel]), ...more];
  return {
    name: ['pixtral batch', ...flags].join(' '),
    async run(work) {
      const start = await runBatch(flags, { ...work, pictures: [work.smallest], tokens: 1, common: undefined });
      const { seconds, processorSeconds, stdout } = await runBatch(flags, work);
      const lines = stdout.trimEnd().split('\n');
      const answers = lines.map((line) => (JSON.parse(line) as { usage: Counted }).usage);
      return { seconds, processorSeconds, startSeconds: start.seconds, answers };
    },
  };
}

/** With the cache that a user has, without results: what is written to it costs time too. What it knows of this machine stays. */
async function runBatch(
  flags: readonly string[],
  { pair, pictures, prompt, tokens, threads, scratch, common }: Work,
): Promise<CommandRun> {
  const cache = join(scratch, 'cache');
  await rm(join(cache, 'results'), { recursive: true, force: true });
  const asked = ['-p', prompt, '--max-tokens', String(tokens), '--temperature', '0', '--seed', '1', '--on-loop', 'off'];
  const runtime = ['--model', pair, '--gpu', 'off', '--threads', String(threads), '--cache-type', 'f16', '-q'];
  const formed = common ? ['--system', common.system, '--schema', common.schemaFile] : [];
  return runCommand([...pixtral, 'batch', ...pictures, ...asked, ...formed, ...runtime, ...flags], {
    PIXTRAL_CACHE: cache,
  });
}

/** What both tools are told: pictures as large as ours see them, one KV type, one context for each question. */
function toolFlags({ pair, threads }: Work): string[] {
  const model = ['-m', join(pair, 'model.gguf'), '--mmproj', join(pair, 'mmproj.gguf')];
  const pictureSizes = ['--image-min-tokens', '1', '--image-max-tokens', '4096'];
  const cache = ['-ctk', 'f16', '-ctv', 'f16'];
  return [...model, ...pictureSizes, ...cache, '-t', String(threads), '-tb', String(threads), '-ngl', '0'];
}

/** A shell that starts `llama-mtmd-cli` anew for each picture. */
export function mtmdLoop(tool: string): Way {
  return {
    name: 'llama-mtmd-cli in a loop',
    async run(work) {
      const start = await runLoop(tool, { ...work, pictures: [work.smallest], tokens: 1 });
      const { seconds, processorSeconds, stderr } = await runLoop(tool, work);
      const startSeconds = start.seconds * work.pictures.length;
      return { seconds, processorSeconds, startSeconds, answers: countedIn(stderr) };
    },
  };
}

async function runLoop(tool: string, work: Work): Promise<CommandRun> {
  const list = join(work.scratch, 'pictures.txt');
  await writeFile(list, work.pictures.map((picture) => `${picture}\n`).join(''));
  const script = 'while IFS= read -r picture; do "$@" --image "$picture" </dev/null || exit; done <"$LIST"';
  const length = ['-c', String(work.contextSize), '-n', String(work.tokens), '--ignore-eos'];
  // The least verbosity that tells how many tokens there were.
  const asked = ['-p', work.prompt, '--temp', '0', '-s', '1', ...length, '-lv', '4'];
  return runCommand(['sh', '-c', script, 'sh', tool, ...toolFlags(work), ...asked], { LIST: list });
}

/** llama.cpp's own account. It does not count the step of the last token, of which nothing is read. */
function countedIn(log: string): Counted[] {
  const prompts = [...log.matchAll(/prompt eval time =.*?\/ +(\d+) tokens/g)].map(([, tokens]) => Number(tokens));
  const answers = [...log.matchAll(/ {2}eval time =.*?\/ +(\d+) runs/g)].map(([, runs]) => Number(runs) + 1);
  return prompts.map((prompt, index) => ({ prompt, completion: answers[index] ?? 0 }));
}

/** One server with so many slots, and as many requests in flight. */
export function llamaServer(tool: string, slots: number): Way {
  return {
    name: `llama-server -np ${slots}`,
    async run(work) {
      const start = performance.now();
      const room = ['-np', String(slots), '-c', String(work.contextSize * slots)];
      const server = await startLlamaServer([tool, ...toolFlags(work), ...room]);
      try {
        const todo = work.pictures.values();
        const answers: Counted[] = [];
        const client = async (): Promise<void> => {
          for (const picture of todo) answers.push(countedBy(await server.complete(await requestOf(picture, work))));
        };
        await Promise.all(Array.from({ length: slots }, client));
        const seconds = (performance.now() - start) / 1000;
        return { seconds, processorSeconds: processSeconds(server.pid), startSeconds: server.startSeconds, answers };
      } finally {
        await server.close();
      }
    },
  };
}

async function requestOf(picture: string, { prompt, tokens, common }: Work): Promise<object> {
  const url = `data:image/png;base64,${(await readFile(picture)).toString('base64')}`;
  const content = [
    { type: 'image_url', image_url: { url } },
    { type: 'text', text: prompt },
  ];
  const question = { role: 'user', content };
  const sampling = { max_tokens: tokens, temperature: 0, seed: 1 };
  if (!common) return { messages: [question], ...sampling, ignore_eos: true };
  const format = { type: 'json_schema', json_schema: { name: 'caption', schema: common.schema } };
  return { messages: [{ role: 'system', content: common.system }, question], ...sampling, response_format: format };
}

function countedBy(body: unknown): Counted {
  const { usage } = body as { usage: { prompt_tokens: number; completion_tokens: number } };
  return { prompt: usage.prompt_tokens, completion: usage.completion_tokens };
}
