import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type SeenCompletion, type StandIn, type StandInOptions, startStandIn } from '../helpers/stand-in-openai.ts';

const picture = scenePath('c-64x64.png');
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-servers-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** The prompt of a request, `number 7`, told back. */
const echo = ({ body }: SeenCompletion): string => `answer to ${promptOf(body)}`;
const promptOf = (body: Record<string, unknown>): string => /number \d+/.exec(JSON.stringify(body['messages']))![0];

async function records(count: number): Promise<string> {
  const file = join(folder, `${count}.jsonl`);
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify({ id: at, images: [picture], prompt: `number ${at}` }),
  );
  await writeFile(file, lines.join('\n'));
  return file;
}

interface Line {
  id: number;
  text?: string;
  error?: { message: string; code: string };
}

const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

async function batch(servers: readonly StandIn[], count: number, words: readonly string[] = []) {
  const urls = servers.flatMap(({ url }) => ['--server', url]);
  const run = await cli(['batch', '--records', await records(count), ...urls, ...words]);
  return { ...run, lines: linesOf(run.stdout) };
}

async function standIns(...options: StandInOptions[]): Promise<{ servers: StandIn[]; close: () => Promise<void> }> {
  const servers = await Promise.all(options.map((one) => startStandIn({ answer: echo, ...one })));
  return {
    servers,
    close: async () => void (await Promise.all(servers.map((server) => server.close().catch(() => {})))),
  };
}

const rightText = ({ id, text }: Line): boolean => text === `answer to number ${id}`;

test('answers come in the order of the records, each from wherever there was room', async () => {
  const slow = (count: number): number => (count % 5 === 0 ? 30 : 1);
  const { servers, close } = await standIns({ milliseconds: slow }, { milliseconds: slow });
  const { exitCode, lines, stderr } = await batch(servers, 60);
  await close();
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(
    lines.map(({ id }) => id),
    Array.from({ length: 60 }, (_, at) => at),
  );
  assert.ok(lines.every(rightText));
  assert.ok(servers.every(({ seen }) => seen.length > 10));
});

test('with --as-completed a slow record keeps nobody waiting', async () => {
  let onLast = (): void => {};
  const last = new Promise<void>((resolve) => (onLast = resolve));
  const wait = (count: number): Promise<void> | undefined => {
    if (count === 20) onLast();
    return count === 1 ? last : undefined;
  };
  const { servers, close } = await standIns({ wait });
  const { lines } = await batch(servers, 20, ['--as-completed']);
  await close();
  assert.ok(lines.findIndex(({ id }) => id === 0) > 10);
  assert.equal(lines.length, 20);
});

test('a server that dies costs only time: each record is answered once', async () => {
  const { servers, close } = await standIns({ milliseconds: () => 5 }, { milliseconds: () => 5 });
  const dying = servers[1]!;
  const watch = setInterval(() => {
    if (dying.seen.length < 20) return;
    clearInterval(watch);
    void dying.close();
  }, 1);
  const { exitCode, lines, stderr } = await batch(servers, 150, ['--server-patience', '5']);
  clearInterval(watch);
  await close();
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(new Set(lines.map(({ id }) => id)).size, 150);
  assert.equal(lines.length, 150);
  assert.ok(lines.every(rightText));
  assert.match(stderr, /it is looked for again/);
});

test('a server that comes back is used again', async () => {
  const { servers, close } = await standIns({ milliseconds: () => 20 }, { milliseconds: () => 20 });
  const [stays, goes] = servers as [StandIn, StandIn];
  let back: Promise<StandIn> | undefined;
  const watch = setInterval(() => {
    if (goes.seen.length < 8) return;
    clearInterval(watch);
    back = goes.close().then(() => startStandIn({ answer: echo, port: goes.port }));
  }, 1);
  const { lines, stderr } = await batch(servers, 300, ['--concurrency', '4']);
  const returned = await back!;
  await close();
  await returned.close();
  assert.ok(lines.length === 300 && lines.every(rightText), stderr);
  assert.ok(returned.seen.length > 5, `${returned.seen.length} after it came back; ${stays.seen.length} elsewhere`);
});

test('servers that are busy for ever, and never say for how long, are given up when patience ends', async () => {
  const { servers, close } = await standIns({ fault: () => ({ status: 429, headers: { 'retry-after': '0' } }) });
  const { exitCode, stderr } = await batch(servers, 3, ['--server-patience', '0.5']);
  await close();
  assert.equal(exitCode, 5, stderr);
  assert.match(stderr, /nobody has answered for 0\.5 seconds/);
});

test('when all servers are away for too long the run ends, and goes on later where it was', async () => {
  const output = join(folder, 'away.jsonl');
  const { servers, close } = await standIns({ milliseconds: () => 5 });
  const [only] = servers as [StandIn];
  const watch = setInterval(() => {
    if (only.seen.length < 10) return;
    clearInterval(watch);
    void only.close();
  }, 1);
  const words = ['-o', output, '--server-patience', '0.2', '--concurrency', '2'];
  const first = await batch([only], 60, words);
  assert.equal(first.exitCode, 5, first.stderr);
  assert.match(first.stderr, /nobody has answered for 0.2 seconds/);
  const before = linesOf(await readFile(output, 'utf8'));
  assert.ok(before.length >= 8 && before.length < 60 && before.every(rightText), `${before.length}`);

  const again = await startStandIn({ answer: echo }); // at another port: the same kind and model
  const second = await batch([again], 60, words);
  await again.close();
  await close();
  assert.equal(second.exitCode, 0, second.stderr);
  const lines = linesOf(await readFile(output, 'utf8'));
  assert.equal(lines.length, 60);
  assert.equal(again.seen.length, 60 - before.length);
});

test('another model is another job', async () => {
  const output = join(folder, 'models.jsonl');
  const { servers, close } = await standIns({}, { models: ['pixtral-large'] });
  const [one, other] = servers as [StandIn, StandIn];
  await batch([one], 5, ['-o', output]);
  assert.match((await batch([one], 5, ['-o', output])).stderr, /5 skipped/);
  assert.match((await batch([other], 5, ['-o', output])).stderr, /5 done/);
  assert.match((await batch([one, other], 5)).stderr, /expected servers of one model/);
  await close();
});

test('what a server refuses or fails at is one record; the others are answered', async () => {
  const isBad = (count: number): boolean => count === 3;
  const fault: StandInOptions['fault'] = (count) =>
    isBad(count) ? { status: 400, body: '{"message":"the picture is odd"}' } : undefined;
  const { servers, close } = await standIns({ fault });
  const { exitCode, lines } = await batch(servers, 10, ['--concurrency', '1']);
  await close();
  assert.equal(exitCode, 6);
  assert.deepEqual(
    lines.filter(({ error }) => error).map(({ id, error }) => [id, error!.code]),
    [[2, 'input']],
  );
  assert.match(lines[2]!.error!.message, /answered 400: the picture is odd/);
});

test('faults that pass are got over: 500, cut answers, answers that are no JSON, connections that break', async () => {
  const faults = [
    { status: 500 },
    { cut: 10 },
    { body: '<html>' },
    { cut: 0 },
    { status: 503, headers: { 'retry-after': '0' } },
  ];
  const fault: StandInOptions['fault'] = (count) => (count % 4 === 0 ? faults[(count / 4) % faults.length] : undefined);
  const { servers, close } = await standIns({ fault }, { fault });
  const { exitCode, lines, stderr } = await batch(servers, 80, ['--concurrency', '3']);
  await close();
  assert.equal(exitCode, 0, stderr);
  assert.ok(lines.length === 80 && lines.every(rightText), stderr);
});

test('a server is given no more at once than it takes', async () => {
  const { servers, close } = await standIns({ most: 6, milliseconds: () => 5 });
  const { exitCode, lines, stderr } = await batch(servers, 120);
  await close();
  assert.equal(exitCode, 0, stderr);
  assert.ok(lines.every(rightText));
});

test('--concurrency is kept to', async () => {
  const { servers, close } = await standIns({ milliseconds: () => 30 });
  await batch(servers, 60, ['--concurrency', '5']);
  await close();
  assert.equal(servers[0]!.mostAtOnce(), 5);
});

test('a straggler is asked for at another server too, and the first answer counts', async () => {
  const { servers, close } = await standIns(
    { milliseconds: (count) => (count === 20 ? 60_000 : 5) },
    { milliseconds: () => 5 },
  );
  const { exitCode, lines, stderr } = await batch(servers, 60, ['--concurrency', '2']);
  const lost = servers[0]!.seen.filter(({ isLost }) => isLost);
  await close();
  assert.equal(exitCode, 0, stderr);
  assert.ok(lines.length === 60 && lines.every(rightText), stderr);
  assert.ok(lost.length <= 1);
});

test('a wrong key ends the run: no record would fare better', async () => {
  const { servers, close } = await standIns({ key: 'right' });
  const run = await batch(servers, 5);
  await close();
  assert.equal(run.exitCode, 2);
  assert.match(run.stderr, /answered 401/);
});

test('what the kind of server lacks: for all records it ends the run, for one it is that record', async () => {
  const { servers, close } = await standIns({ ownedBy: 'someone' });
  const all = await batch(servers, 3, ['--top-k', '3']);
  assert.equal(all.exitCode, 2);
  assert.match(all.stderr, /--top-k 3/);
  const file = join(folder, 'own.jsonl');
  await writeFile(
    file,
    [{}, { top_k: 3 }]
      .map((own, at) => JSON.stringify({ id: at, images: [picture], prompt: `number ${at}`, ...own }))
      .join('\n'),
  );
  const one = await cli(['batch', '--records', file, '--server', servers[0]!.url]);
  await close();
  assert.equal(one.exitCode, 6, one.stderr);
  assert.match(linesOf(one.stdout)[1]!.error!.message, /--top-k 3/);
});

test('a form that the server fails at costs the records that ask for it, and each says what it was', async () => {
  const isOdd = ({ body }: SeenCompletion): boolean => JSON.stringify(body).includes('é😀');
  const { servers, close } = await standIns({
    answer: () => 'ok',
    faultOf: (seen) => (isOdd(seen) ? { status: 500, body: '{"message":"KeyError"}' } : undefined),
  });
  const file = join(folder, 'forms.jsonl');
  const lines = Array.from({ length: 9 }, (_, id) =>
    JSON.stringify({
      id,
      images: [picture],
      prompt: `number ${id}`,
      choices: id % 3 === 1 ? ['é😀', 'ok'] : ['ok', 'no'],
    }),
  );
  await writeFile(file, lines.join('\n'));
  const { exitCode, stdout } = await cli(['batch', '--records', file, '--server', servers[0]!.url]);
  await close();
  assert.equal(exitCode, 6);
  for (const { id, text, error } of linesOf(stdout)) {
    if (id % 3 === 1)
      assert.match(error!.message, /answered 500: KeyError, 4 times in a row, asked for one of "é😀", "ok"$/);
    else assert.equal(text, 'ok');
  }
});

test('that no count can be judged is said once', async () => {
  const { servers, close } = await standIns({ models: ['some-model'], promptTokens: 2 });
  const { stderr, lines } = await batch(servers, 12);
  await close();
  assert.equal(stderr.match(/is no name that is known here/g)?.length, 1);
  assert.equal(lines.length, 12);
});
