/**
 * The same scenes asked of the demo model on this machine and at a server that has it: where they differ, and why.
 *
 *   PYTHON=<python with Pillow> npm run compare:engines -- http://127.0.0.1:8000 [count]
 *
 * Compared are texts, the prompts' tokens and those of their pictures, and, of every tenth scene, the prompt's very ids
 * where the server tells them (vLLM). For answers that differ the first token that does is shown, with the margin between
 * the two likeliest tokens on both sides.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadMessages } from '../../src/asking/pictures/message-pictures.ts';
import type { Answer, TokenLogprob } from '../../src/asking/events.ts';
import { demoCheckpoint } from '../../src/engine/runtime/demo.ts';
import { pathSource } from '../../src/image/sources/sources.ts';
import { encodePrompt } from '../../src/prompt/encode.ts';
import { serverAddress } from '../../src/remote/address.ts';
import { completionOf } from '../../src/remote/ask-server.ts';
import { openConnection } from '../../src/remote/connection.ts';
import { findServer } from '../../src/remote/find-server.ts';
import { replyWriter } from '../../src/remote/read-reply.ts';
import { tekkenFromJson } from '../../src/tokenizer/from-tekken-json.ts';
import { type Scene, readScenes } from '../demo/scenes.ts';

const [url, count = '300'] = process.argv.slice(2);
if (url === undefined) throw new Error('usage: npm run compare:engines -- URL [COUNT]');

const folder = await mkdtemp(join(tmpdir(), 'pixtral-engines-'));
try {
  const world = fileURLToPath(new URL('../../fixtures/demo/world.py', import.meta.url));
  execFileSync(process.env['PYTHON'] ?? 'python3', [world, folder, '--seed', '7', '--count', count]);
  const scenes = readScenes(folder);
  const model = join(folder, 'model');
  pixtral('convert', demoCheckpoint, '--out', model, '--type', 'f32');
  const exact = ['--gpu', 'off', '--cache-type', 'f32', '--no-cache', '--on-loop', 'off'];
  const here = await answers('here.jsonl', ['--model', model, ...exact]);
  const there = await answers('there.jsonl', ['--server', url]);
  compare(scenes, { here, there });
  await compareIds(scenes.filter((_, at) => at % 10 === 0));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function answers(name: string, words: readonly string[]): Promise<Map<number, Answer>> {
  const output = join(folder, name);
  const start = performance.now();
  const sampling = ['--temperature', '0', '--max-tokens', '200', '--logprobs', '2'];
  pixtral('batch', '--records', join(folder, 'scenes.jsonl'), '-o', output, ...sampling, ...words);
  const lines = (await readFile(output, 'utf8')).trimEnd().split('\n');
  console.log(`${name}: ${lines.length} lines in ${((performance.now() - start) / 1000).toFixed(0)} s`);
  return new Map(lines.map((line) => JSON.parse(line) as Answer & { id: number }).map((line) => [line.id, line]));
}

function pixtral(...words: string[]): void {
  const entry = fileURLToPath(new URL('../../src/cli/run.ts', import.meta.url));
  try {
    execFileSync(process.execPath, ['--import', 'tsx', entry, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (thrown) {
    // Some records failed: their lines say so.
    if (!(thrown instanceof Error && 'status' in thrown && thrown.status === 6)) throw thrown;
  }
}

function compare(
  scenes: readonly Scene[],
  { here, there }: { here: Map<number, Answer>; there: Map<number, Answer> },
): void {
  const counts = { equal: 0, right: 0, prompts: 0, pictures: 0, failed: 0 };
  for (const { id, answer } of scenes) {
    const [ours, theirs] = [here.get(id), there.get(id)];
    if (ours?.text === undefined || theirs?.text === undefined) {
      counts.failed++;
      console.log(`${id}: no answer: ${JSON.stringify(ours?.text === undefined ? ours : theirs)}`);
      continue;
    }
    if (theirs.usage.prompt === ours.usage.prompt) counts.prompts++;
    if (theirs.server?.picture_tokens.check === 'equal') counts.pictures++;
    if (theirs.text === answer) counts.right++;
    if (theirs.text === ours.text) counts.equal++;
    else console.log(`${id}: ${difference(ours, theirs)}`);
  }
  console.log(JSON.stringify({ scenes: scenes.length, ...counts }));
}

/** The first token that differs, and how near both engines were to the other's. */
function difference(ours: Answer, theirs: Answer): string {
  const [one, other] = [ours.logprobs ?? [], theirs.logprobs ?? []];
  const at = one.findIndex((token, place) => token.token !== other[place]?.token);
  const place = at < 0 ? one.length : at;
  const told = (token: TokenLogprob | undefined): string => `${JSON.stringify(token?.token)} (margin ${margin(token)})`;
  return `token ${place + 1}: here ${told(one[place])}, there ${told(other[place])}; ${JSON.stringify(ours.text)} and ${JSON.stringify(theirs.text)}`;
}

function margin(token: TokenLogprob | undefined): string {
  if (!token || 'forced' in token || token.top.length < 2) return 'unknown';
  const [first, second] = token.top.map(({ logprob }) => logprob).toSorted((a, b) => b - a);
  return (first! - second!).toFixed(4);
}

async function compareIds(scenes: readonly Scene[]): Promise<void> {
  const signal = new AbortController().signal;
  const options = { env: {}, key: undefined, connections: 1, stallMilliseconds: 600_000, userAgent: 'pixtral' };
  const connection = await openConnection(serverAddress(url!), options);
  const server = await findServer(connection, { wanted: { name: undefined, isCertain: false }, signal });
  const tekken = tekkenFromJson(await readFile(join(demoCheckpoint, 'tekken.json')), 'tekken.json');
  let equal = 0;
  let told = 0;
  for (const scene of scenes) {
    const content = [
      ...scene.images.map((name) => ({ kind: 'image', image: pathSource(join(folder, name)) }) as const),
      { kind: 'text', text: scene.prompt } as const,
    ];
    const reading = {
      allowPrivate: false,
      urlSeconds: 1,
      env: {},
      detail: 'full',
      maxTiles: 1,
      maxPages: 1,
      text: 'none',
    } as const;
    const messages = await loadMessages([{ role: 'user', content }], {
      ...reading,
      image: server.grid.image,
      maxImageTokens: 4096,
      keep: 'png',
    });
    const sampling = { maxTokens: 1, temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, repeatPenalty: 1, stop: [] };
    const writer = replyWriter(server.address.name);
    writer.take(await completionOf({ messages, options: sampling }, { connection, server, signal, begun: '' }));
    const { promptIds } = writer.whole(true);
    if (!promptIds) continue;
    told++;
    const ours = encodePrompt(messages, tekken).flatMap(({ ids }) => ids);
    if (JSON.stringify(ours) === JSON.stringify(promptIds)) equal++;
    else
      console.log(
        `${scene.id}: prompt ids differ: ${JSON.stringify(ours.slice(-20))}, ${JSON.stringify(promptIds.slice(-20))}`,
      );
  }
  console.log(`prompt ids: ${equal} of ${told} equal${told === 0 ? ': the server does not tell them' : ''}`);
  await connection.close();
}
