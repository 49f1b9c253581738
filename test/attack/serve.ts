/**
 * Requests to `serve` that nobody should send:
 *
 *   npm run attack:serve -- --count 1000 --seed 1
 *
 * Whatever comes, the server says so with a status of its own below 500, keeps its key, and answers the next one.
 */
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { type Random, changed } from '../fuzz/mutate.ts';
import { drawing, serverCache, startServer } from '../helpers/server.ts';
import { type Attempts, type Outcome, attack } from './attempts.ts';
import { hostileJson, oneOf } from './hostile-values.ts';

const key = 'k3y-of-nobody';
const posts = ['/v1/chat/completions', '/v1/responses', '/v1/messages', '/v1/decisions', '/v1/batches', '/tokenize'];
const gets = [
  '/v1/files?limit=x',
  '/v1/files/../x',
  '/v1/batches?after=%00',
  '/v1/models/%E0',
  '/metrics',
  '/x',
  '*',
  '//',
];

await attack(import.meta.url, async (): Promise<Attempts> => {
  const cache = await serverCache();
  const server = await startServer(cache, '--api-key', key, '--max-tokens', '2', '--no-cache');
  const picture = await drawing('0007a.png');
  const { port } = new URL(server.url);
  return {
    async attempt(random) {
      const { bytes, cut } = request(random, picture);
      const before = server.stderr().length;
      const said = await exchange(Number(port), bytes, cut);
      const log = server.stderr().slice(before);
      const health = await fetch(`${server.url}/health`);
      await health.text();
      return outcomeOf({ said, log, cut, healthy: health.ok, bytes });
    },
    async close() {
      await server.stop(constants.signals.SIGINT);
      await rm(cache, { recursive: true });
    },
  };
});

interface Sent {
  bytes: Buffer;
  /** The connection is broken off behind them, without a word or as soon as there is one. */
  cut: 'whole' | 'half' | 'answered';
}

function request(random: Random, picture: string): Sent {
  const isPost = random(6) > 0;
  const isForm = isPost && random(8) === 0;
  const path = isForm ? '/v1/files' : oneOf(isPost ? posts : gets, random);
  const body = isForm ? form(random) : isPost ? bodyBytes(path, random, picture) : Buffer.alloc(0);
  const wrongLength = random(15) === 0 ? oneOf(['-1', '99999999999', 'x', '1'], random) : String(body.byteLength);
  const head = [
    `${isPost ? 'POST' : oneOf(['GET', 'DELETE', 'OPTIONS', 'PUT', 'TRACE'], random)} ${path} HTTP/1.1`,
    `Host: ${random(12) === 0 ? oneOf(['', 'evil.example', '[', '127.0.0.1:x', 'a b', '\u009b'], random) : '127.0.0.1'}`,
    ...(random(12) === 0 ? [`Origin: ${oneOf(['null', 'http://evil.example', '\u001b', '%'], random)}`] : []),
    `Authorization: ${random(12) === 0 ? oneOf(['Bearer', 'Bearer x', 'Basic x', ''], random) : `Bearer ${key}`}`,
    `Content-Type: ${isForm ? `multipart/form-data; boundary=${oneOf(['b', 'b', '"', ''], random)}` : 'application/json'}`,
    `Content-Length: ${wrongLength}`,
    'Connection: close',
    ...(random(20) === 0
      ? [oneOf(['Transfer-Encoding: chunked', 'Expect: x', `X: ${'x'.repeat(20_000)}`], random)]
      : []),
  ].join('\r\n');
  const whole = Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]);
  const hurt = random(10) === 0 ? Buffer.from(changed(whole, { other: whole, random })) : whole;
  const cut = oneOf(['whole', 'whole', 'whole', 'whole', 'half', 'answered'] as const, random);
  return { bytes: cut === 'half' ? hurt.subarray(0, random(hurt.byteLength)) : hurt, cut };
}

function bodyBytes(path: string, random: Random, picture: string): Buffer {
  const maybe = (usual: string): string => (random(20) === 0 ? oneOf(hostileJson, random) : usual);
  const url = maybe(
    JSON.stringify(oneOf([picture, 'file:///etc/hostname', '/dev/zero', 'http://127.0.0.1:1/', 'data:,'], random)),
  );
  const chat = maybe(
    `[{"role":${maybe('"user"')},"content":${maybe(`[{"type":"image_url","image_url":{"url":${url}}},{"type":"text","text":${maybe('"x"')}}]`)}}]`,
  );
  const input = maybe(
    `[{"role":"user","content":[{"type":"input_image","image_url":${url}},{"type":"input_text","text":"x"}]}]`,
  );
  const more = oneOf(
    [
      '"n"',
      '"stop"',
      '"response_format"',
      '"logprobs"',
      '"tools"',
      '"stream_options"',
      '"metadata"',
      '"seed"',
      '"__proto__"',
    ],
    random,
  );
  const questions = maybe(`[{"type":${maybe('"predicate"')},"instructions":${maybe('"is it red?"')}}]`);
  const fields =
    path === '/v1/batches'
      ? `"input_file_id":${maybe('"file-0"')},"endpoint":${maybe('"/v1/responses"')}`
      : `"messages":${chat},"input":${input},"questions":${questions},"content":"x","max_tokens":${maybe('2')}`;
  const text = `{"stream":${maybe(oneOf(['true', 'false'], random))},${random(3) === 0 ? `${more}:${oneOf(hostileJson, random)},` : ''}${fields}}`;
  const bytes = Buffer.from(random(12) === 0 ? oneOf(hostileJson, random) : text);
  return random(5) === 0 ? Buffer.from(changed(bytes, { other: bytes, random })) : bytes;
}

function form(random: Random): Buffer {
  const name = oneOf(['a.jsonl', '../../x', '\u001b[2J', '__proto__', ''], random);
  const part = (field: string, value: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`;
  const file = `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n${oneOf(hostileJson, random)}\r\n`;
  const text = `${part(oneOf(['purpose', '__proto__', 'purpose[]'], random), oneOf(['batch', 'x'], random))}${file}--b--\r\n`;
  const bytes = Buffer.from(text);
  return random(2) === 0 ? Buffer.from(changed(bytes, { other: bytes, random })) : bytes;
}

/** All that the server says; it may wait for bytes that never come. */
function exchange(port: number, bytes: Buffer, cut: Sent['cut']): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes);
      if (cut === 'half') socket.destroy();
    });
    socket.setTimeout(3000, () => socket.destroy());
    socket.on('data', (part: Buffer) => {
      said += part.toString();
      if (cut === 'answered') socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(said));
  });
}

interface Exchange extends Sent {
  said: string;
  log: string;
  healthy: boolean;
}

function outcomeOf({ said, log, healthy, bytes }: Exchange): Outcome {
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 400);
  const counts = status < 300 ? { answered: 1, refused: 0 } : { answered: 0, refused: 1 };
  const isRight = healthy && status < 500 && !/the server failed/.test(said) && !/this is a bug|^ +at /m.test(log);
  if (isRight && !(said + log).includes(key)) return counts;
  return { ...counts, wrong: `${said.slice(0, 500)}\n${log.slice(0, 1500)}\n${bytes.toString().slice(0, 3000)}` };
}
