/**
 * `pixtral serve` under people who are in a hurry: many clients at once, half of which go away in the middle, slow readers,
 * bodies of 50 MB, malformed JSON; batches over SIGKILL, SIGTERM under load. Each asks about a drawing of its own, and
 * checks its answer.
 *
 *   npm run soak:serve -- [--requests 5000] [--clients 500] [--batch 400] [--kills 4] [--drawings 24] [--queue 10000]
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '5000' },
    clients: { type: 'string', default: '500' },
    batch: { type: 'string', default: '400' },
    kills: { type: 'string', default: '4' },
    drawings: { type: 'string', default: '24' },
    queue: { type: 'string', default: '10000' },
  },
});
const [requests, clients, batchLines, kills, drawings] = [
  values.requests,
  values.clients,
  values.batch,
  values.kills,
  values.drawings,
].map(Number) as [number, number, number, number, number];

const root = fileURLToPath(new URL('../..', import.meta.url));
const scenes = join(root, 'fixtures/scenes/demo');
const pictures = readdirSync(scenes)
  .filter((name) => name.endsWith('.png'))
  .slice(0, drawings)
  .map((name) => `data:image/png;base64,${readFileSync(join(scenes, name)).toString('base64')}`);
const folder = await mkdtemp(join(tmpdir(), 'pixtral-soak-'));

interface Server {
  child: ChildProcess;
  url: string;
}

async function start(): Promise<Server> {
  const words = [
    'serve',
    '--model',
    'demo',
    '--gpu',
    'off',
    '--temperature',
    '0',
    '--port',
    '0',
    '--queue',
    values.queue,
  ];
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'src/cli/run.ts'), ...words], {
    env: {
      ...process.env,
      PIXTRAL_DATA: join(folder, 'data'),
      PIXTRAL_CACHE: join(folder, 'cache'),
      PIXTRAL_RUNTIME: join(folder, 'runtime'),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (part) => (text += String(part)));
  for (;;) {
    const url = /listening on (http\S+)/.exec(text)?.[1];
    if (url !== undefined) return { child, url };
    assert.equal(child.exitCode, null, text);
    await setTimeout(20);
  }
}

const bodyOf = (picture: number, more: object = {}): string =>
  JSON.stringify({
    max_tokens: 12,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: pictures[picture] } },
          { type: 'text', text: 'what do you see?' },
        ],
      },
    ],
    ...more,
  });

/** Told to come back until there is a place. */
async function post(url: string, body: string, signal?: AbortSignal): Promise<Response> {
  for (;;) {
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body, ...(signal && { signal }) });
    if (response.status !== 429) return response;
    counts.busy++;
    await response.arrayBuffer();
    await setTimeout(50 + Math.random() * 200);
  }
}

const contentOf = async (response: Response): Promise<string> => {
  assert.equal(response.status, 200, `status ${response.status}`);
  return ((await response.json()) as { choices: [{ message: { content: string } }] }).choices[0].message.content;
};

const counts = { whole: 0, left: 0, slow: 0, large: 0, malformed: 0, busy: 0, wrong: 0 };
let right: string[] = [];

const kinds = {
  async whole(url: string, picture: number) {
    if ((await contentOf(await post(url, bodyOf(picture)))) !== right[picture]) counts.wrong++;
  },
  /** Goes away while its answer comes. */
  async left(url: string, picture: number) {
    const leaving = new AbortController();
    const response = await post(url, bodyOf(picture, { stream: true }), leaving.signal);
    await response.body!.getReader().read();
    leaving.abort();
  },
  async slow(url: string, picture: number) {
    const response = await post(url, bodyOf(picture, { stream: true }));
    let text = '';
    for await (const part of response.body!.pipeThrough(new TextDecoderStream()) as unknown as AsyncIterable<string>) {
      text += part;
      await setTimeout(30);
    }
    const deltas = [...text.matchAll(/^data: (\{.*)$/gm)].map(
      ([, event]) =>
        (JSON.parse(event!) as { choices: [{ delta: { content?: string } }] }).choices[0].delta.content ?? '',
    );
    if (deltas.join('') !== right[picture]) counts.wrong++;
  },
  /** Bytes that are no picture. */
  async large(url: string) {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(50_000_000)}` } };
    const response = await post(url, JSON.stringify({ messages: [{ role: 'user', content: [image] }] }));
    assert.equal(response.status, 400);
    await response.arrayBuffer();
  },
  async malformed(url: string) {
    const response = await post(url, '{"messages": [');
    assert.equal(response.status, 400);
    await response.arrayBuffer();
  },
};
type Kind = keyof typeof kinds;

function kindOf(index: number): Kind {
  if (index % 250 === 7) return 'large';
  if (index % 50 === 3) return 'malformed';
  if (index % 20 === 5) return 'slow';
  return index % 2 === 0 ? 'left' : 'whole';
}

async function load({ url, child }: Server): Promise<void> {
  right = [];
  for (const picture of pictures.keys()) right.push(await contentOf(await post(url, bodyOf(picture))));
  console.log(`${new Set(right).size} different answers of ${right.length} drawings`);
  let next = 0;
  const started = performance.now();
  const worker = async (): Promise<void> => {
    for (let index = next++; index < requests; index = next++) {
      const kind = kindOf(index);
      await kinds[kind](url, index % pictures.length);
      counts[kind]++;
      if ((index + 1) % Math.ceil(requests / 10) === 0) console.log(`${index + 1}: ${await stateOf(url, child)}`);
    }
  };
  await Promise.all(Array.from({ length: clients }, worker));
  for (let tries = 0; tries < 100 && !/in_work 0\n/.test(await metricsOf(url)); tries++) await setTimeout(100);
  console.log(`after ${((performance.now() - started) / 1000).toFixed(0)} s: ${await stateOf(url, child)}`);
  console.log(JSON.stringify(counts));
  assert.equal(counts.wrong, 0, 'an answer was about another drawing');
  assert.match(await metricsOf(url), /in_work 0\n/);
}

const metricsOf = async (url: string): Promise<string> => (await fetch(`${url}/metrics`)).text();

async function stateOf(url: string, { pid }: ChildProcess): Promise<string> {
  const resident = Number(/pixtral_resident_bytes (\d+)/.exec(await metricsOf(url))?.[1]);
  const handles = process.platform === 'linux' ? readdirSync(`/proc/${pid}/fd`).length : NaN;
  return `${Math.round(resident / 2 ** 20)} MiB, ${handles} handles`;
}

/** Each line once, about its own drawing, however often the server is killed. */
async function batchOverKills(server: Server): Promise<Server> {
  let running = server;
  const lines = Array.from({ length: batchLines }, (_, index) =>
    JSON.stringify({
      custom_id: `n${index}`,
      method: 'POST',
      url: '/v1/chat/completions',
      body: JSON.parse(bodyOf(index % pictures.length)) as object,
    }),
  );
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new File([lines.join('\n')], 'lines.jsonl'));
  const file = (await (await fetch(`${running.url}/v1/files`, { method: 'POST', body: form })).json()) as {
    id: string;
  };
  const created = await fetch(`${running.url}/v1/batches`, {
    method: 'POST',
    body: JSON.stringify({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' }),
  });
  const { id } = (await created.json()) as { id: string };
  interface Batch {
    status: string;
    output_file_id: string;
    request_counts: { completed: number };
  }
  const state = async (): Promise<Batch> => (await (await fetch(`${running.url}/v1/batches/${id}`)).json()) as Batch;
  for (let kill = 1; kill <= kills; kill++) {
    while ((await state()).request_counts.completed < (kill * batchLines) / (kills + 2)) await setTimeout(20);
    const exit = once(running.child, 'exit');
    running.child.kill('SIGKILL');
    await exit;
    running = await start();
  }
  let last = await state();
  for (; last.status !== 'completed'; last = await state()) {
    assert.notEqual(last.status, 'failed');
    await setTimeout(50);
  }
  const output = await (await fetch(`${running.url}/v1/files/${last.output_file_id}/content`)).text();
  const answers = output
    .trimEnd()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as { custom_id: string; response: { body: { choices: [{ message: { content: string } }] } } },
    );
  assert.equal(answers.length, batchLines);
  assert.equal(new Set(answers.map((answer) => answer.custom_id)).size, batchLines);
  for (const { custom_id: name, response } of answers) {
    assert.equal(response.body.choices[0].message.content, right[Number(name.slice(1)) % pictures.length]);
  }
  console.log(`batch: ${batchLines} lines over ${kills} SIGKILLs, each once and right`);
  return running;
}

/** What is in work is answered, what comes later is not begun. */
async function termUnderLoad({ url, child }: Server): Promise<void> {
  const answers = Array.from({ length: 20 }, async (_, index) => {
    const picture = index % pictures.length;
    const response = await post(url, bodyOf(picture)).catch(() => undefined);
    if (response?.status !== 200) return 'refused';
    return (await contentOf(response)) === right[picture] ? 'right' : 'wrong';
  });
  while (!/in_work [1-9]/.test(await metricsOf(url))) await setTimeout(1);
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  child.kill('SIGTERM');
  const ends = await Promise.all(answers);
  const [code, signal] = await exit;
  const count = (end: string): number => ends.filter((one) => one === end).length;
  console.log(`SIGTERM: ${count('right')} answered, ${count('refused')} refused, exit ${code ?? signal}`);
  assert.equal(count('wrong'), 0);
  assert.ok(count('right') >= 1);
  assert.ok(code === 143 || signal === 'SIGTERM');
}

let server = await start();
try {
  await load(server);
  server = await batchOverKills(server);
  await termUnderLoad(server);
} finally {
  server.child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}
