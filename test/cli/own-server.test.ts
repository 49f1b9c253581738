import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { main } from '../../src/cli/main.ts';
import type { Answer } from '../../src/asking/events.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { type CliRun, cli } from '../helpers/cli.ts';
import { startStandIn } from '../helpers/stand-in-openai.ts';

let cache: string;
let url: string;
let stop: () => Promise<unknown>;
/** Of just their grids' sizes: what is sent are whole steps of 0 to 255, which a resize on this machine does not end at. */
let scenes: string[];
before(async () => {
  cache = await mkdtemp(join(tmpdir(), 'pixtral-own-server-'));
  scenes = await Promise.all(
    ['0000a.png', '0001a.png', '0005a.png', '0014b.png', '0033a.png'].map(async (name) => {
      const file = join(cache, name);
      await cli(['view', scenePath(`demo/${name}`), '-o', file, '--model', 'demo'], { env: { PIXTRAL_CACHE: cache } });
      return file;
    }),
  );
  const controller = new AbortController();
  let stderr = '';
  const ended = main(
    ['serve', '--model', 'demo', '--gpu', 'off', '--threads', '1', '--port', '0', '--reproducible', '--no-cache'],
    {
      stdin: { isTTY: true, read: async () => new Uint8Array(), ask: async () => undefined },
      stdout: { isTTY: false, write: () => {} },
      stderr: { isTTY: false, write: (text) => void (stderr += String(text)) },
      env: { PIXTRAL_CACHE: cache },
      signal: controller.signal,
    },
  );
  stop = async () => {
    controller.abort(constants.signals.SIGINT);
    await ended;
  };
  for (;;) {
    const found = /listening on (http\S+)/.exec(stderr)?.[1];
    if (found !== undefined) {
      url = found;
      return;
    }
    assert.equal(await Promise.race([ended, setTimeout(20, 'runs')]), 'runs', stderr);
  }
});
after(async () => {
  await stop();
  await rm(cache, { recursive: true, force: true });
});

const here = (words: readonly string[]): Promise<CliRun> =>
  cli([...words, '--model', 'demo', '--gpu', 'off', '--threads', '1', '--no-cache'], { env: { PIXTRAL_CACHE: cache } });
const there = (words: readonly string[]): Promise<CliRun> => cli([...words, '--server', url], { env: {} });

const linesOf = ({ stdout, stderr }: CliRun): Record<string, unknown>[] => {
  assert.notEqual(stdout, '', stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};

const same = ['text', 'data', 'finish', 'usage', 'logprobs', 'answers'] as const;
const told = (line: Record<string, unknown>): unknown => Object.fromEntries(same.map((name) => [name, line[name]]));
/** A server tells tokens without their ids, and of those that are no text it tells no bytes. */
const hidden = ['id', 'bytes'];
const withoutIds = (line: Record<string, unknown>): unknown =>
  JSON.parse(JSON.stringify(told(line), (name, value: unknown) => (hidden.includes(name) ? undefined : value)));

test('our own server answers what this machine answers, with the same count of tokens', async () => {
  const words = ['batch', ...scenes, '-p', 'describe this', '--temperature', '0'];
  const [ours, theirs] = [linesOf(await here(words)), linesOf(await there(words))];
  assert.deepEqual(theirs.map(told), ours.map(told));
  for (const { server } of theirs as unknown as Answer[]) assert.equal(server!.picture_tokens.check, 'equal');
});

test('so it does with a seed, a form and log-probabilities', async () => {
  for (const words of [
    ['--temperature', '1', '--seed', '7'],
    ['--temperature', '0', '--schema', 'colour, count: number'],
    ['--temperature', '0', '--logprobs', '3'],
  ]) {
    const asked = ['ask', scenes[1]!, 'describe this', '--json', '--max-tokens', '60', ...words];
    const [ours, theirs] = [linesOf(await here(asked)), linesOf(await there(asked))];
    assert.deepEqual(theirs.map(withoutIds), ours.map(withoutIds), words.join(' '));
  }
});

test('it chooses what this machine chooses', async () => {
  const asked = ['ask', scenes[1]!, 'which colour', '--temperature', '0', '--choices', 'red,green,blue'];
  assert.equal((await there(asked)).stdout, (await here(asked)).stdout);
});

test('it keeps to a grammar as this machine does', async () => {
  const file = join(cache, 'words.gbnf');
  await writeFile(file, 'root ::= "The " [a-z]+ "."');
  const asked = ['ask', scenes[1]!, 'what is it', '--temperature', '0', '--max-tokens', '30', '--grammar', file];
  assert.equal((await there(asked)).stdout, (await here(asked)).stdout);
});

test('text streams from it', async () => {
  const asked = ['ask', scenes[0]!, 'describe this', '--temperature', '0'];
  assert.equal((await there(asked)).stdout, (await here(asked)).stdout);
});

test('it decides what this machine decides', async () => {
  const questions = ['-q', 'word: Is there a word?', '-q', 'colour=red|green|blue: Which colour?'];
  const words = ['decide', ...scenes.slice(0, 3), ...questions];
  const [ours, theirs] = [linesOf(await here(words)), linesOf(await there(words))];
  assert.deepEqual(
    theirs.map(({ answers }) => answers),
    ours.map(({ answers }) => answers),
  );
});

test('a server without such a route decides by the likeliest tokens of an answer', async () => {
  const top = [
    { token: 'Yes', logprob: Math.log(0.6), bytes: null },
    { token: ' no', logprob: Math.log(0.2), bytes: null },
    { token: 'Maybe', logprob: Math.log(0.1), bytes: null },
  ];
  const content = [{ ...top[0], top_logprobs: top }];
  const server = await startStandIn({ more: () => ({ logprobs: { content } }) });
  const run = await cli(['decide', scenes[0]!, '-q', 'Is it?', '--server', server.url], { env: {} });
  const { answers } = linesOf(run)[0] as { answers: { probability: number; mass: number }[] };
  assert.deepEqual([answers[0]!.probability, answers[0]!.mass], [0.75, 0.8]);
  const body = server.seen[0]!.body;
  assert.deepEqual([body['max_tokens'], body['top_logprobs'], body['temperature']], [1, 20, 1]);
  await server.close();
});

test('an option of several tokens is asked for with the answer begun, in the words of the kind of server', async () => {
  const shares: Record<string, Record<string, number>> = {
    '': { let: 0.1, rece: 0.8 },
    rece: { ipt: 0.5, ived: 0.5 },
    let: { ter: 1 },
  };
  const begunIn = (body: Record<string, unknown>): string => {
    const last = (body['messages'] as { role: string; content: string }[]).at(-1)!;
    return last.role === 'assistant' ? last.content : '';
  };
  const more = ({ body }: { body: Record<string, unknown> }) => {
    const top = Object.entries(shares[begunIn(body)]!).map(([token, share]) => ({
      token,
      logprob: Math.log(share),
      bytes: null,
    }));
    return { logprobs: { content: [{ ...top[0], top_logprobs: top }] } };
  };
  const words = ['decide', scenes[0]!, '-q', 'kind=receipt|letter: What is it?', '--server'];
  for (const [ownedBy, goesOn] of [
    ['vllm', [true, false]],
    ['llamacpp', [undefined, undefined]],
  ] as const) {
    const server = await startStandIn({ ownedBy, more });
    const { answers } = linesOf(await cli([...words, server.url], { env: {} }))[0] as {
      answers: { probabilities: Record<string, number>; mass: number }[];
    };
    await server.close();
    assert.ok(Math.abs(answers[0]!.probabilities['receipt']! - 0.8) < 1e-9 && Math.abs(answers[0]!.mass - 0.5) < 1e-9);
    assert.deepEqual(server.seen.map(({ body }) => begunIn(body)).toSorted(), ['', 'let', 'rece']);
    const { body } = server.seen.find((one) => begunIn(one.body) === 'rece')!;
    assert.deepEqual([body['continue_final_message'], body['add_generation_prompt']], goesOn);
  }
  const other = await startStandIn({ ownedBy: 'someone', more });
  assert.match(
    (await cli([...words, other.url], { env: {} })).stdout,
    /option \\"letter\\" is more than one token there/,
  );
  await other.close();
});

test('what a server cannot tell a probability of is refused', async () => {
  const top = [{ token: 'rece', logprob: Math.log(0.5), bytes: null }];
  const more = () => ({ logprobs: { content: [{ ...top[0], top_logprobs: top }] } });
  const server = await startStandIn({ more });
  const words = ['-q', 'kind=receipt|letter: What is it?', '--server', server.url];
  const run = await cli(['decide', scenes[0]!, ...words], { env: {} });
  assert.equal(run.exitCode, 6);
  assert.match(run.stdout, /option \\"receipt\\" is more than one token there/);
  await server.close();
  const mistral = await startStandIn({ ownedBy: 'mistralai' });
  const none = await cli(['decide', scenes[0]!, '-q', 'Is it?', '--server', mistral.url], { env: {} });
  assert.equal(none.exitCode, 6);
  assert.match(none.stdout, /tells no more probabilities/);
  await mistral.close();
});

test('all questions about a picture travel to it in one request, those of a filter as they are needed', async () => {
  const requests = async (): Promise<number> => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return Number(/requests_total\{route="\/v1\/decisions",status="200"\} (\d+)/.exec(metrics)?.[1] ?? 0);
  };
  const questions = [
    '-q',
    'word=Is there a word?',
    '-q',
    'colour=red|green|blue: Which colour?',
    '-q',
    'n=1..3: How many?',
  ];
  const before = await requests();
  const lines = linesOf(await there(['decide', ...scenes.slice(0, 2), ...questions]));
  assert.deepEqual(
    lines.map(({ answers }) => (answers as object[]).length),
    [3, 3],
  );
  assert.equal((await requests()) - before, 2);
  const filtered = await there(['decide', scenes[0]!, ...questions, '--where', 'word>=0']);
  assert.equal(filtered.exitCode, 0, filtered.stderr);
  assert.equal((await requests()) - before, 3);
});
