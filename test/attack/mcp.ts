/**
 * Messages to `pixtral mcp` that no client should send:
 *
 *   npm run attack:mcp -- --count 1000 --seed 1
 *
 * Each line of standard output stays a JSON message, nothing outside of the root is told, and the server answers the next
 * one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Random, changed } from '../fuzz/mutate.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { type Attempts, type Outcome, attack } from './attempts.ts';
import { hostileJson, oneOf } from './hostile-values.ts';

const secret = 's3cret-of-another-folder';

await attack(import.meta.url, async (): Promise<Attempts> => {
  const scratch = await mkdtemp(join(tmpdir(), 'pixtral-attack-'));
  const root = await mkdtemp(join(scratch, 'root-'));
  await copyFile(scenePath('demo/0007a.png'), join(root, 'a.png'));
  await writeFile(join(scratch, 'outside.txt'), secret);
  await symlink(join(scratch, 'outside.txt'), join(root, 'link.txt'));
  const server = spawned(root);
  await server.exchange(
    '{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}',
    'i',
  );
  server.send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  // The model is loaded by the first question.
  await server.exchange(call('look', '"pictures":["a.png"],"question":"x"', '7'), 7);
  let count = 0;
  return {
    async attempt(random) {
      const id = `ping-${count++}`;
      const { sent, isCall } = message(random);
      const answered = isCall ? await server.exchange(sent, 7) : [];
      if (!isCall) server.send(sent);
      const said = await server.exchange(`{"jsonrpc":"2.0","id":"${id}","method":"ping"}`, id);
      return outcomeOf([...answered, ...said], sent, id);
    },
    async close() {
      await server.end();
      await rm(scratch, { recursive: true });
    },
  };
});

function spawned(root: string) {
  const program = fileURLToPath(new URL('../../src/cli/run.ts', import.meta.url));
  const words = ['mcp', '--model', 'demo', '--gpu', 'off', '--threads', '1', '--max-tokens', '2', '--root', root];
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', program, ...words], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, PIXTRAL_CACHE: join(root, '..', 'cache') },
  });
  const ended = once(child, 'exit');
  let seen: string[] = [];
  let onLine = (): void => {};
  createInterface({ input: child.stdout! }).on('line', (line) => {
    seen.push(line);
    onLine();
  });
  child.stdin!.on('error', () => {});
  const send = (text: string): void => void child.stdin!.write(`${text}\n`);
  return {
    send,
    /** What was said up to the answer of this id, and since the last one. */
    async exchange(text: string, id: string | number): Promise<string[]> {
      const answered = new Promise<void>((resolve) => {
        onLine = () => {
          if (seen.at(-1)!.includes(`"id":${JSON.stringify(id)}`)) resolve();
        };
      });
      send(text);
      const end = await Promise.race([answered, ended]);
      if (end) throw new Error(`the server ended: ${String(end)}`);
      const said = seen;
      seen = [];
      return said;
    },
    async end(): Promise<void> {
      child.stdin!.end();
      await ended;
    },
  };
}

function call(name: string, fields: string, id: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":{${fields}}}}`;
}

/** `isCall`: it is sound, and waits for an answer. */
function message(random: Random): { sent: string; isCall: boolean } {
  const value = (): string => oneOf(hostileJson, random);
  const picture = (): string =>
    oneOf(
      [
        '"a.png"',
        '"a.png"',
        '"../outside.txt"',
        '"link.txt"',
        '"http://127.0.0.1:9/"',
        '"file:///etc/hostname"',
        value(),
      ],
      random,
    );
  const id = random(8) === 0 ? value() : '7';
  const whole = oneOf(
    [
      () => call('look', `"pictures":[${picture()}],"question":${random(2) === 0 ? '"x"' : value()}`, id),
      () => call('read', `"picture":${picture()},"schema":${value()},"question":"x"`, id),
      () =>
        call('decide', `"picture":${picture()},"questions":${random(2) === 0 ? '["is it red?"]' : `[${value()}]`}`, id),
      () => call('see', `"picture":${picture()}`, id),
      () => call(oneOf(['', 'constructor', '__proto__', 'none'], random), `"x":${value()}`, id),
      () => `{"jsonrpc":"2.0","id":8,"method":${value()},"params":${value()}}`,
      () => `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${value()}}}`,
      () => value(),
    ],
    random,
  )();
  const isCall = whole.startsWith('{"jsonrpc":"2.0","id":7,');
  if (random(4) > 0) return { sent: whole, isCall };
  const bytes = changed(Buffer.from(whole), { other: Buffer.from(value()), random });
  return { sent: Buffer.from(bytes).toString('latin1').replaceAll('\n', ' '), isCall: false };
}

function outcomeOf(said: readonly string[], sent: string, id: string): Outcome {
  const wrong = (what: string): Outcome => ({
    answered: 0,
    refused: 0,
    wrong: `${what}: ${sent.slice(0, 500)}\n${said.join('\n').slice(0, 2000)}`,
  });
  let refused = 0;
  let answered = 0;
  for (const line of said) {
    let answer: { id?: unknown; error?: unknown; result?: { isError?: boolean } };
    try {
      answer = JSON.parse(line) as typeof answer;
    } catch {
      return wrong('no JSON');
    }
    if (answer.id === id) continue;
    if (answer.error !== undefined || answer.result?.isError === true) refused++;
    else answered++;
  }
  if (said.some((line) => line.includes(secret))) return wrong('a file outside of the root is told');
  if (said.some((line) => /\\n +at |this is a bug/.test(line))) return wrong('a trace');
  return { answered, refused };
}
