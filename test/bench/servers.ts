/**
 * What bounds a batch at servers, with stand-ins on loopback and one small prepared picture for all records.
 *
 *   npm run bench:servers
 *
 * One stand-in that answers in 50 ms, with --concurrency 64: share of the 1,280 answers a second that it has. A hundred of
 * 20 answers a second each: what is reached of 2,000. Memory over 10,000 records.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Asked } from '../../src/asking/answerer.ts';
import type { Question } from '../../src/asking/events.ts';
import type { Picture } from '../../src/image/decoder/load.ts';
import { serverAddress } from '../../src/remote/address.ts';
import { openServers } from '../../src/remote/open-servers.ts';

const milliseconds = 50;
const png = new Uint8Array(4096);
const picture: Picture = {
  source: 'virtual.png',
  sha256: '0'.repeat(64),
  width: 64,
  height: 64,
  grid: { columns: 4, rows: 4, width: 64, height: 64 },
  patches: new Float32Array(),
  png,
  milliseconds: 0,
};
const sampling = { maxTokens: 10, temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, repeatPenalty: 1, stop: [] };
const question: Question = {
  messages: [
    {
      role: 'user',
      content: [
        { kind: 'image', image: picture },
        { kind: 'text', text: 'what' },
      ],
    },
  ],
  options: sampling,
};

async function* questions(count: number): AsyncGenerator<Asked<number>, void> {
  for (let item = 0; item < count; item++) yield { item, question };
}

async function measure(
  name: string,
  { servers: count, concurrency, records }: { servers: number; concurrency: number; records: number },
): Promise<void> {
  const entry = fileURLToPath(new URL('servers-stand-in.ts', import.meta.url));
  const child = fork(entry, [String(count), String(milliseconds)], { execArgv: ['--import', 'tsx'] });
  const [urls] = (await once(child, 'message')) as [string[]];
  const servers = await openServers({
    addresses: urls.map(serverAddress),
    wanted: { name: undefined, isCertain: false },
    keyFile: undefined,
    env: {},
    concurrency,
    patienceMilliseconds: 10_000,
    busyPatienceMilliseconds: 10_000,
    stallMilliseconds: 60_000,
    userAgent: 'pixtral-bench',
    onNotice: (line) => console.log(line),
    signal: new AbortController().signal,
  });
  const cpu = process.cpuUsage();
  const start = performance.now();
  let answered = 0;
  let early = 0;
  for await (const { event } of servers.answer(questions(records), {})) {
    if (event?.kind === 'failed') throw event.error;
    if (event?.kind !== 'answer') continue;
    answered++;
    if (answered === Math.floor(records / 5)) early = process.memoryUsage.rss();
  }
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  const most = (count * concurrency * 1000) / milliseconds;
  const rate = answered / seconds;
  const share = ((100 * rate) / most).toFixed(1);
  const busy = (((used.user + used.system) / 1e6 / seconds) * 100).toFixed(0);
  const growth = ((process.memoryUsage.rss() - early) / 2 ** 20).toFixed(0);
  console.log(
    `${name}: ${rate.toFixed(0)} answers a second of ${most} (${share} %), this process ${busy} % of a core, ${growth} MiB more memory after ${answered} records than after a fifth of them`,
  );
  await servers.close();
  child.disconnect();
}

await measure('one server, --concurrency 64', { servers: 1, concurrency: 64, records: 10_000 });
await measure('100 servers of 20 answers a second', { servers: 100, concurrency: 1, records: 20_000 });
