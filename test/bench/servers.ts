/**
 * What bounds a batch at servers, with stand-ins on loopback and one small prepared picture for all records.
 *
 *   npm run bench:servers
 *
 * One stand-in that answers in 50 ms, with --concurrency 64: answers a second beside those of a bare HTTP client that sends
 * the same bytes, and how many of the 64 places were in work at the stand-in in the mean. A hundred of 20 answers a second
 * each. Memory over 10,000 records. The bare client is asked before and after: a loaded machine is seen by it. Places that
 * are empty here behind an answer, counted and not timed, say on any machine whether the next question follows at once.
 */
import { fork } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
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

interface Work {
  servers: number;
  concurrency: number;
  records: number;
}

async function measure(name: string, work: Work): Promise<void> {
  const { servers: count, concurrency } = work;
  const entry = fileURLToPath(new URL('servers-stand-in.ts', import.meta.url));
  const child = fork(entry, [String(count), String(milliseconds)], { execArgv: ['--import', 'tsx'] });
  const [urls] = (await once(child, 'message')) as [string[]];
  const most = (count * concurrency * 1000) / milliseconds;
  const told = async (who: string, { rate, busy, more }: Measured): Promise<void> => {
    child.send('in work');
    const [inWork] = (await once(child, 'message')) as [number];
    const seconds = work.records / rate;
    const places = ((100 * inWork) / 1000 / seconds / (count * concurrency)).toFixed(1);
    const share = ((100 * rate) / most).toFixed(1);
    const each = ((1000 * busy) / rate).toFixed(2);
    console.log(
      `${name}: ${who}: ${rate.toFixed(0)} answers a second of ${most} (${share} %), ${places} % of the places in work, ${each} ms of a core for each${more}`,
    );
  };
  await told('bare HTTP client', await bare(urls, work));
  await told('pixtral', await ours(urls, work));
  await told('bare HTTP client again', await bare(urls, work));
  child.disconnect();
}

interface Measured {
  /** Answers a second. */
  rate: number;
  /** Cores. */
  busy: number;
  more: string;
}

/** As many requests at once as places, and nothing done with their answers. */
async function bare(urls: readonly string[], { concurrency, records }: Work): Promise<Measured> {
  const body = Buffer.alloc(5600, 'a'); // as much as the picture of ours
  const headers = { 'content-type': 'application/json' };
  let left = records;
  return timed(records, async () => {
    const pools = urls.map((url) => new Pool(url, { connections: concurrency }));
    const place = async (pool: Pool): Promise<void> => {
      while (left-- > 0) {
        const reply = await pool.request({ path: '/v1/chat/completions', method: 'POST', headers, body });
        await reply.body.text();
      }
    };
    await Promise.all(pools.flatMap((pool) => Array.from({ length: concurrency }, () => place(pool))));
    await Promise.all(pools.map((pool) => pool.close()));
    return '';
  });
}

async function timed(records: number, work: () => Promise<string>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const more = await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { rate: records / seconds, busy: (user + system) / 1e6 / seconds, more };
}

async function ours(urls: readonly string[], { concurrency, records }: Work): Promise<Measured> {
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
  const empty = emptyPlaces(servers.mostAtOnce, records);
  const measured = await timed(records, async () => {
    let answered = 0;
    let early = 0;
    for await (const { event } of servers.answer(questions(records), {})) {
      if (event?.kind === 'failed') throw event.error;
      if (event?.kind !== 'answer') continue;
      answered++;
      if (answered === Math.floor(records / 5)) early = process.memoryUsage.rss();
    }
    const growth = ((process.memoryUsage.rss() - early) / 2 ** 20).toFixed(0);
    return `, ${empty.end().toFixed(1)} places empty behind an answer, ${growth} MiB more memory after ${answered} records than after a fifth of them`;
  });
  await servers.close();
  return measured;
}

/** How many places are empty here in the mean when an answer has come, while there are questions left. */
function emptyPlaces(places: number, questions: number): { end: () => number } {
  let [begun, ended, sum, count] = [0, 0, 0, 0];
  const onSent = (): void => void begun++;
  const onEnded = (): void => {
    ended++;
    if (begun < places || begun >= questions) return;
    sum += places - (begun - ended);
    count++;
  };
  subscribe('undici:client:sendHeaders', onSent);
  subscribe('undici:request:trailers', onEnded);
  return {
    end() {
      unsubscribe('undici:client:sendHeaders', onSent);
      unsubscribe('undici:request:trailers', onEnded);
      return sum / count;
    },
  };
}

await measure('one server, --concurrency 64', { servers: 1, concurrency: 64, records: 10_000 });
await measure('100 servers of 20 answers a second', { servers: 100, concurrency: 1, records: 20_000 });
