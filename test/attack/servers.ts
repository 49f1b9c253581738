/**
 * OpenAI-style servers that answer anything to `ask --server` and `decide --server`:
 *
 *   npm run attack:servers -- --count 1000 --seed 1
 *
 * Streams and lines without end, wrong types, deep JSON, redirects that ask for the key, packed bodies: each is an answer
 * or one line with an exit code of ours, and the key goes to the server's own address only.
 */
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { printable } from '../../src/output/printable.ts';
import { type Random, changed } from '../fuzz/mutate.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type Attempts, attack } from './attempts.ts';
import { hostileJson, oneOf } from './hostile-values.ts';

const key = 'k3y-of-nobody';
const bomb = gzipSync(Buffer.alloc(32 * 2 ** 20)).toString('latin1');

await attack(import.meta.url, async (): Promise<Attempts> => {
  let random: Random = () => 0;
  let stolen = false;
  const other = await listening((socket) => {
    socket.once('data', (bytes: Buffer) => {
      stolen ||= bytes.toString('latin1').includes(key);
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    });
  });
  const server = await listening((socket) => {
    let seen = '';
    socket.on('data', (bytes: Buffer) => {
      seen += bytes.toString('latin1');
      const end = seen.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(seen)?.[1] ?? 0);
      if (end < 0 || seen.length < end + 4 + length) return;
      const route = seen.slice(0, seen.indexOf(' HTTP'));
      seen = '';
      say(socket, route.endsWith('/models') ? models(random) : reply(random, addressOf(other)));
    });
  });
  const picture = scenePath('a-80x48.png');
  return {
    async attempt(next) {
      random = next;
      const isDecision = random(4) === 0;
      const words = isDecision ? ['decide', '-q', 'is it red?', picture] : ['ask', picture, 'x', '--max-tokens', '9'];
      const forms = [[], ['--json'], ['--json', '--logprobs', '2'], ['--schema', 'a: number'], ['--choices', 'a,b']];
      const flags = [
        '--server',
        addressOf(server),
        '--server-timeout',
        '3',
        '--server-patience', // a server may be busy or away for so long, by design
        '2',
        ...(isDecision ? [] : oneOf(forms, random)),
      ];
      const { exitCode, stdout, stderr } = await cli([...words, ...flags, ...oneOf([[], ['--verbose']], random)], {
        env: { PIXTRAL_CACHE_SIZE: '0', PIXTRAL_API_KEY: key },
      });
      const counts = exitCode === 0 ? { answered: 1, refused: 0 } : { answered: 0, refused: 1 };
      const said = `exit ${exitCode}\n${stdout.slice(0, 300)}\n${stderr.slice(0, 1500)}`;
      if (stolen || (stdout + stderr).includes(key)) return { ...counts, wrong: `the key is told: ${said}` };
      const isRight = [0, 2, 3, 4, 5, 6].includes(exitCode) && !/this is a bug|"code":"failed"|^ +at /m.test(stderr);
      const isShort = stderr.length < 5000 && printable(stderr) === stderr;
      return isRight && isShort ? counts : { ...counts, wrong: said };
    },
    async close() {
      server.close();
      other.close();
    },
  };
});

async function listening(onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Bytes, again and again where they have no end. */
interface Said {
  head: string;
  again?: string;
  times?: number;
}

function say(socket: Socket, { head, again, times = 0 }: Said): void {
  socket.write(head, 'latin1');
  const more = (left: number): void => {
    if (socket.destroyed || left === 0 || again === undefined) return void socket.end();
    if (socket.write(again, 'latin1')) setImmediate(more, left - 1);
    else socket.once('drain', () => more(left - 1));
  };
  more(times);
}

function http(body: string, { status = '200 OK', headers = [] as string[] } = {}): string {
  return [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...headers, '', body].join(
    '\r\n',
  );
}

function models(random: Random): Said {
  const owner = oneOf(['vllm', 'sglang', 'llamacpp', 'mistralai', 'pixtral', 'constructor', '__proto__'], random);
  const id = oneOf(['pixtral', 'pixtral', 'demo', 'x'.repeat(5000), '\\u001b[2J', '\\u009b2J'], random);
  const image = `{"patchSize":${oneOf(['16', '0', '1e9', '-1', '"16"'], random)},"maxImageSize":1024,"spatialMergeSize":1}`;
  const listed = `{"data":[{"id":"${id}","owned_by":"${owner}","max_model_len":4096,"pixtral":{"image":${image}}}]}`;
  const plain = '{"data":[{"id":"pixtral","owned_by":"vllm"}]}';
  const body = random(4) > 0 ? plain : random(2) === 0 ? listed : oneOf(hostileJson, random);
  return { head: http(random(12) === 0 ? mutant(body, random) : body) };
}

function reply(random: Random, other: string): Said {
  const value = (): string => oneOf(hostileJson, random);
  const maybe = (usual: string): string => (random(20) === 0 ? value() : usual);
  const choice = (part: string): string =>
    `{"index":0,"${part}":${maybe(`{"role":"assistant","content":${maybe('"a"')}}`)},"finish_reason":${maybe('"stop"')},"logprobs":${maybe(
      `{"content":${maybe('[{"token":"a","bytes":[97],"logprob":-0.5,"top_logprobs":[{"token":"yes","logprob":-1}]}]')}}`,
    )},"token_ids":${maybe('[1]')}}`;
  const whole = (part = 'message'): string =>
    `{"choices":${maybe(`[${choice(part)}]`)},"usage":${maybe('{"prompt_tokens":9,"completion_tokens":1}')},"error":${random(20) === 0 ? value() : 'null'}}`;
  const event = (): string => `data: ${whole('delta')}\n\n`;
  const stream = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n';
  const big = 'x'.repeat(2 ** 16);
  const kinds: (() => Said)[] = [
    () => ({ head: http(whole()) }),
    () => ({ head: http(whole()) }),
    () => ({ head: http(whole()) }),
    () => ({ head: http(mutant(whole(), random)) }),
    () => ({ head: `${stream}${event()}${event()}data: [DONE]\n\n` }),
    () => ({ head: stream + mutant(event() + event(), random) }),
    () => ({ head: `${stream}data: `, again: big, times: 400 }),
    () => ({ head: stream, again: `data: ${big}\n`, times: 400 }),
    () => ({ head: stream, again: `: ${big}\n\n`, times: 2200 }),
    () => ({ head: stream, again: event().repeat(200), times: 500 }),
    () => ({ head: http(oneOf(hostileJson, random)) }),
    () => ({
      head: http(`{"error":${oneOf(hostileJson, random)}}`, { status: oneOf(['200 OK', '400 No', '500 No'], random) }),
    }),
    () => ({ head: http(`{"choices":${'['.repeat(100_000)}`) }),
    () => ({ head: http(`{"answers":[{"probability":${value()},"mass":${value()}}]}`) }),
    () => ({
      head: http('', {
        status: oneOf(['301 x', '302 x', '307 x', '308 x'], random),
        headers: [`Location: ${other}/v1`],
      }),
    }),
    () => ({ head: http(bomb, { headers: ['Content-Encoding: gzip'] }) }),
    () => ({
      head: http('', { status: oneOf(['101 x', '204 x', '304 x', '999 x', '401 x', '404 x', '413 x'], random) }),
    }),
    () => ({ head: '', again: 'HTTP/1.1 100 Continue\r\n\r\n', times: 300 }),
    () => ({ head: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n` }),
    () => ({ head: 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{' }),
    () => ({ head: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{' }),
    () => ({ head: http('{"message":"\u001b[31m\u009b2J \u0000"}', { status: '400 \u001b[31m' }) }),
    () => ({
      head: http('', { status: '429 x', headers: [`Retry-After: ${oneOf(['0', '-1', 'x', '0.1'], random)}`] }),
    }),
  ];
  return oneOf(kinds, random)();
}

function mutant(text: string, random: Random): string {
  return Buffer.from(changed(Buffer.from(text), { other: Buffer.from(oneOf(hostileJson, random)), random })).toString(
    'latin1',
  );
}
