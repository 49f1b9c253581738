/**
 * Records and URLs that were changed at random, eight a batch, against a server that answers anything:
 *
 *   npm run attack:records -- --count 1000 --seed 1
 *
 * Every record must have its line, an answer or an error of ours, or the batch one line and an exit code of its own.
 */
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, changed } from '../fuzz/mutate.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { type CliRun, cli } from '../helpers/cli.ts';
import { convertedPair } from '../helpers/converted.ts';
import { type Attempts, type Outcome, attack } from './attempts.ts';
import { hostileJson, oneOf } from './hostile-values.ts';

const each = 8;

await attack(import.meta.url, async (): Promise<Attempts> => {
  const pair = await convertedPair('mistral', 'f16');
  const scratch = await mkdtemp(join(tmpdir(), 'pixtral-attack-'));
  await copyFile(scenePath('a-80x48.png'), join(scratch, 'a.png'));
  let answer = '';
  const server = createServer((socket) => say(socket, answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const path = join(scratch, 'records.jsonl');
  const words = ['batch', '--records', path, '--model', pair.folder, '--gpu', 'off', '--max-tokens', '2'];
  const flags = ['--allow-private', '--url-timeout', '2', '--parallel', '1', '--threads', '1'];
  return {
    async attempt(random) {
      answer = serverAnswer(random);
      const lines = Array.from({ length: each }, (_, index) => line(index, { base, random }));
      const bytes = Buffer.from(lines.join('\n'));
      await writeFile(path, bytes);
      return outcomeOf(await cli([...words, ...flags], { env: { PIXTRAL_CACHE_SIZE: '0' } }), bytes);
    },
    async close() {
      server.close();
      await pair.remove();
      await rm(scratch, { recursive: true });
    },
  };
});

function say(socket: Socket, answer: string): void {
  socket.on('error', () => {});
  socket.once('data', () => socket.end(answer, 'latin1'));
}

function serverAnswer(random: Random): string {
  const status = oneOf(
    ['100', '101', '102', '200', '204', '206', '301', '302', '304', '407', '500', '999', '20'],
    random,
  );
  const headers = [
    'Content-Length: 5',
    'Content-Length: -1',
    'Content-Length: 99999999999',
    'Transfer-Encoding: chunked',
  ];
  const more = [
    'Location: /x',
    'Location: file:///etc/passwd',
    'Location: //',
    'Upgrade: x',
    'Content-Encoding: gzip',
    'X',
  ];
  const head = [`HTTP/1.${random(2)} ${status} \u001b[31mWhat`, oneOf(headers, random), oneOf(more, random), '', ''];
  const text = `${head.join('\r\n')}hello`.repeat(1 + random(3));
  return random(4) === 0
    ? Buffer.from(changed(Buffer.from(text), { other: Buffer.from(text), random })).toString('latin1')
    : text;
}

function line(index: number, { base, random }: { base: string; random: Random }): string {
  const fields = random(3) === 0 ? openAi(index, base, random) : plain(index, base, random);
  const hurt =
    random(2) === 0
      ? fields.map(([name, value]) => [name, random(5) === 0 ? oneOf(hostileJson, random) : value])
      : fields;
  const text = `{${hurt.map(([name, value]) => `"${name}":${value}`).join(',')}}`;
  if (random(3) > 0) return text;
  const other = Buffer.from(oneOf(hostileJson, random));
  return Buffer.from(changed(Buffer.from(text), { other, random }))
    .toString()
    .replaceAll(/[\r\n]/g, ' ');
}

function plain(index: number, base: string, random: Random): [string, string][] {
  const form: [string, string] = oneOf(
    [
      ['schema', '{"type":"object","properties":{"a":{"type":"integer"}}}'],
      ['grammar', '"root ::= \\"a\\" | [b-d]+"'],
      ['choices', '["yes","no"]'],
      ['logprobs', '2'],
      ['stop', '["a"]'],
      ['temperature', '1'],
      ['seed', '7'],
    ],
    random,
  );
  const images = JSON.stringify(
    oneOf([['a.png'], [url(base, random)], ['a.png', 'a.png#2'], ['none.png'], []], random),
  );
  return [['id', `"r${index}"`], ['images', images], ['prompt', '"x"'], form];
}

function openAi(index: number, base: string, random: Random): [string, string][] {
  const image = { type: 'image_url', image_url: { url: url(base, random), detail: 'auto' } };
  const content = random(2) === 0 ? 'x' : [{ type: 'text', text: 'x' }, image];
  const role = oneOf(['user', 'user', 'system', 'assistant', 'constructor', '__proto__'], random);
  const body = { messages: [{ role, content }], max_tokens: 2 };
  return [
    ['custom_id', `"o${index}"`],
    ['method', '"POST"'],
    ['url', '"/v1/chat/completions"'],
    ['body', JSON.stringify(body)],
  ];
}

function url(base: string, random: Random): string {
  const end = oneOf(['a.png', '?', '#1', '%', '..'], random);
  if (random(2) === 0) return `http://${oneOf(['', 'me:secret@', 'me:s@cret@', ':@', '@'], random)}${base}/${end}`;
  const text = Buffer.from(`http://${base}/${end}`);
  const mutant = Buffer.from(changed(text, { other: Buffer.from('http://[::1]:1/@\\\t%00#'), random })).toString();
  // Names are not looked up: only what leads to an address of this machine is tried.
  return URL.canParse(mutant) && !/^(127|\[)/.test(new URL(mutant).hostname) ? 'http://' : mutant;
}

function outcomeOf({ exitCode, stdout, stderr }: CliRun, bytes: Buffer): Outcome {
  const lines = stdout.split('\n').slice(0, -1);
  const records = bytes
    .toString()
    .split('\n')
    .filter((text) => text.trim() !== '').length;
  const failed = lines.filter((text) => /"error":\{"code"/.test(text)).length;
  const outcome = { answered: lines.length - failed, refused: failed };
  const wrong = (what: string): Outcome => ({
    ...outcome,
    wrong: `${what}\n${stderr.slice(0, 500)}\n${bytes.toString().slice(0, 2000)}`,
  });
  const said = `${stdout}${stderr}`.split('\n');
  const bug = said.find((text) => /"code":"failed"|this is a bug|^ +at /.test(text));
  if (bug !== undefined) return wrong(`a bug: ${bug.slice(0, 500)}`);
  const shown = said.find((text) => /s@?cret/.test(text));
  if (shown !== undefined) return wrong(`a password is shown: ${shown.slice(0, 500)}`);
  if ([2, 3, 4, 5].includes(exitCode))
    return lines.length === 0 ? { answered: 0, refused: records } : wrong(`exit ${exitCode}`);
  if (lines.length !== records) return wrong(`${lines.length} lines of ${records} records`);
  return exitCode === (failed > 0 ? 6 : 0) ? outcome : wrong(`exit ${exitCode}, ${failed} failed`);
}
