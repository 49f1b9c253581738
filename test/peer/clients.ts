/**
 * Programs that people already have, asking `pixtral serve`: they are installed into a temporary folder and run against
 * the demo model, their answers are compared with what it says.
 *
 *   npm run build && npm run compare:clients -- [--record] [client ...]
 *
 * `--record` writes what they send to test/serve/fixtures, where CI replays it. Needs python3 with venv, npm, curl and
 * some 800 MB.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seen } from '../helpers/server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scripts = fileURLToPath(new URL('clients', import.meta.url));
const picture = join(root, 'fixtures/scenes/demo/0022a.png');
const data = (await readFile(picture)).toString('base64');
const right = seen['0022a.png']!;
const isRecording = process.argv.includes('--record');
/** Of those that are named, or all. */
const named = process.argv.slice(2).filter((word) => !word.startsWith('--'));

interface Recorded {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

const folder = process.env['PIXTRAL_CLIENTS'] ?? (await mkdtemp(join(tmpdir(), 'pixtral-clients-')));
const python = join(folder, 'py/bin');
const versions: Record<string, string> = {};
/** Headers that a server may treat a request by. */
const kept = [
  'accept',
  'accept-encoding',
  'content-type',
  'transfer-encoding',
  'expect',
  'connection',
  'user-agent',
  'anthropic-version',
];

/** $1 is the address, $2 the picture. */
const llmScript = `
export LLM_USER_PATH=$(mktemp -d) OPENAI_API_KEY=none
printf -- '- model_id: local\\n  model_name: demo\\n  api_base: %s\\n  vision: true\\n' "$1" > $LLM_USER_PATH/extra-openai-models.yaml
${join(python, 'llm')} -m local --no-stream --key none -a "$2" 'what do you see?'
${join(python, 'llm')} -m local --key none -a "$2" 'what do you see?'
rm -r $LLM_USER_PATH`;

/** Its body is longer than what it sends without asking first: Expect: 100-continue. */
const curlScript = `
body=$(mktemp)
printf '{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,%s"}},{"type":"text","text":"what do you see?"}]}]}' "$(base64 -w0 "$2")" > $body
curl -sS "$1/chat/completions" -H 'content-type: application/json' -d @$body
curl -sS "$1/chat/completions" -H 'content-type: application/json' -H 'transfer-encoding: chunked' --data-binary @$body
rm $body`;

/** Programs around those clients, and how often each asks in words. */
const frameworks = {
  litellm: 4,
  instructor: 0,
  'pydantic-ai': 2,
  'anthropic-python': 2,
  mistral: 2,
  'llama-index': 2,
  smolagents: 2,
  agents: 4,
  aisuite: 1,
};
const frameworkPackages =
  'litellm instructor pydantic-ai-slim[openai] anthropic mistralai llama-index-llms-openai-like smolagents[openai] openai-agents aisuite pillow';

let failures = 0;
try {
  install();
  const server = spawn(
    process.execPath,
    [join(root, 'bin/pixtral.cjs'), 'serve', '--model', 'demo', '--temperature', '0', '--port', '0'],
    { env: { ...process.env, PIXTRAL_DATA: join(folder, 'data') }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    const port = await portOf(server.stderr);
    await run('openai-python', { port, command: [join(python, 'python'), join(scripts, 'ask_openai.py')], answers: 4 });
    await run('langchain-python', {
      port,
      command: [join(python, 'python'), join(scripts, 'ask_langchain.py')],
      answers: 2,
    });
    for (const [name, answers] of Object.entries(frameworks)) {
      await run(name, {
        port,
        command: [join(python, 'python'), join(scripts, 'ask_frameworks.py'), name],
        answers,
      });
    }
    await run('llm', { port, command: ['sh', '-c', llmScript, 'llm'], answers: 2 });
    await run('ai-sdk', { port, command: [process.execPath, join(folder, 'js/ai-sdk.mjs')], answers: 2 });
    await run('langchain-js', { port, command: [process.execPath, join(folder, 'js/langchain.mjs')], answers: 2 });
    await run('anthropic', { port, command: [process.execPath, join(folder, 'js/anthropic.mjs')], answers: 2 });
    await run('curl', { port, command: ['sh', '-c', curlScript, 'curl'], answers: 2 });
  } finally {
    server.kill('SIGTERM');
  }
} finally {
  if (process.env['PIXTRAL_CLIENTS'] === undefined) await rm(folder, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;

function install(): void {
  if (!existsSync(python)) {
    execFileSync('python3', ['-m', 'venv', join(folder, 'py')]);
    const asked = ['openai', 'llm', 'langchain-openai', ...frameworkPackages.split(' ')];
    execFileSync(join(python, 'pip'), ['-q', 'install', 'uv'], { stdio: 'inherit' }); // pip tries versions for minutes
    execFileSync(join(python, 'uv'), ['pip', 'install', '-q', '--python', join(python, 'python'), ...asked], {
      stdio: 'inherit',
    });
  }
  const packages = ['ai', '@ai-sdk/openai-compatible', '@langchain/openai', '@langchain/core', '@anthropic-ai/sdk'];
  const js = join(folder, 'js');
  execFileSync('mkdir', ['-p', js]);
  if (!existsSync(join(js, 'node_modules'))) {
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', js, ...packages]);
  }
  execFileSync('cp', [...['ai-sdk.mjs', 'langchain.mjs', 'anthropic.mjs'].map((name) => join(scripts, name)), js]);
  const listed = execFileSync(join(python, 'pip'), ['list', '--format', 'json'], { encoding: 'utf8' });
  for (const { name, version } of JSON.parse(listed) as { name: string; version: string }[]) versions[name] = version;
}

async function run(
  name: string,
  { port, command: [program, ...words], answers }: { port: number; command: string[]; answers: number },
): Promise<void> {
  if (named.length > 0 && !named.includes(name)) return;
  const recorded: Recorded[] = [];
  const proxy = createServer((asked, answered) => void pass(asked, answered, { port, recorded }));
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/v1`;
  const [output, code] = await new Promise<[string, number | null]>((resolve) => {
    const child = spawn(program!, [...words, url, picture], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (part) => (text += String(part)));
    child.on('close', (ended) => resolve([text, ended]));
  });
  proxy.close();
  const found = output.replaceAll('\\"', '"').split(right).length - 1;
  const isRight = found === answers && code === 0;
  if (!isRight) failures++;
  console.log(`${isRight ? 'ok' : 'WRONG'}: ${name}: ${found} of ${answers} answers, ${recorded.length} requests`);
  if (!isRight) console.log(output);
  if (!isRecording) return;
  const fixtures = join(root, 'test/serve/fixtures');
  await mkdir(fixtures, { recursive: true });
  await writeFile(
    join(fixtures, `${name}.json`),
    `${JSON.stringify({ client: name, requests: recorded }, undefined, 2)}\n`,
  );
}

async function pass(
  asked: IncomingMessage,
  answered: ServerResponse,
  { port, recorded }: { port: number; recorded: Recorded[] },
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of asked as AsyncIterable<Buffer>) parts.push(part);
  const body = Buffer.concat(parts);
  const headers = Object.fromEntries(
    kept.flatMap((name) => (asked.headers[name] ? [[name, String(asked.headers[name])]] : [])),
  );
  const text = body.toString().replaceAll(data, '{{0022a.png}}');
  recorded.push({
    method: asked.method!,
    path: asked.url!,
    headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  });
  const { method, url, headers: all } = asked;
  const on = request({ port, method, path: url, headers: { ...all, host: `127.0.0.1:${port}` } }, (response) => {
    answered.writeHead(response.statusCode!, response.headers);
    response.pipe(answered);
  });
  on.end(body);
}

async function portOf(stderr: NodeJS.ReadableStream): Promise<number> {
  let text = '';
  for await (const part of stderr) {
    text += String(part);
    const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
    if (port !== undefined) {
      stderr.resume();
      return Number(port);
    }
  }
  throw new Error(`the server ended: ${text}`);
}
