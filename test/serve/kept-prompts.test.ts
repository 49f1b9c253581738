import assert from 'node:assert/strict';
import { readdir, rm, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type Running, clientOf, drawing, seen, serverCache, startServer } from '../helpers/server.ts';

const cache = await serverCache();
after(() => rm(cache, { recursive: true, force: true }));

/** When each kept state of a prompt was last written or read. */
async function keptStates(): Promise<Map<string, number>> {
  const names = (await readdir(join(cache, 'results'))).filter((name) => name.startsWith('prefix-'));
  return new Map(
    await Promise.all(names.map(async (name) => [name, (await stat(join(cache, 'results', name))).mtimeMs] as const)),
  );
}

const env = { PIXTRAL_CACHE: cache, PIXTRAL_RUNTIME: join(cache, 'runtime') };
const model = ['--model', 'demo', '--gpu', 'off', '--threads', '1', '--temperature', '0', '--verbose'];

test('a question about a picture that was asked about before a restart goes on from its prompt', async (t) => {
  const servers: Running[] = [];
  t.after(() => Promise.all(servers.map((server) => server.stop(constants.signals.SIGINT))));
  const first = await startServer(cache);
  servers.push(first);
  const image = { type: 'image_url', image_url: { url: await drawing('0022a.png') } } as const;
  const content = [image, { type: 'text', text: 'how many shapes are there?' } as const];
  await clientOf(first.url).chat.completions.create({ model: 'demo', messages: [{ role: 'user', content }] });
  await first.stop(constants.signals.SIGTERM);
  const written = await keptStates();
  assert.ok(written.size >= 1);

  const second = await startServer(cache);
  servers.push(second);
  const words = ['ask', scenePath('demo/0022a.png'), 'what do you see?', ...model, '--json'];
  const { stdout, stderr } = await cli(words, { env });
  assert.match(stderr, /asking pixtral serve/);
  assert.equal((JSON.parse(stdout) as { text: string }).text, seen['0022a.png']);
  const read = await keptStates();
  assert.equal(read.size, written.size);
  assert.ok([...read].some(([name, at]) => at > written.get(name)!));

  // Each picture of a batch is asked about once: its prompt would only drive out others.
  const batch = await cli(['batch', scenePath('demo/0007a.png'), '-p', 'what do you see?', ...model], { env });
  assert.match(batch.stderr, /asking pixtral serve/);
  assert.equal((await keptStates()).size, written.size);
});
