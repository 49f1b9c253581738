/** What llama-server and vLLM really answered about a drawing, as the demo model said it there. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type SeenCompletion, startStandIn } from '../helpers/stand-in-openai.ts';

interface Recording {
  model: string;
  ownedBy: string;
  routes: Record<string, object>;
  /** By what was asked for. */
  replies: Record<string, string>;
}

interface Told {
  text: string;
  data?: unknown;
  finish: string;
  usage: { prompt: number; completion: number };
  logprobs?: { token: string; logprob: number; top: { token: string }[] }[];
  server: { version: string; picture_tokens: { check: string }; warnings?: string[] };
}

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'pixtral-recorded-'))));
after(() => rm(folder, { recursive: true, force: true }));

async function recorded(
  kind: 'llama-server' | 'vllm',
  name: string,
  words: readonly string[],
): Promise<{ told: Told; seen: SeenCompletion }> {
  const path = new URL(`../../fixtures/servers/${kind}.json`, import.meta.url);
  const { model, ownedBy, routes, replies } = JSON.parse(await readFile(path, 'utf8')) as Recording;
  const server = await startStandIn({ models: [model], ownedBy, routes, fault: () => ({ body: replies[name]! }) });
  const picture = scenePath('demo/0000a.png');
  const run = await cli(['ask', picture, 'describe this', '--json', '--server', server.url, ...words], { env: {} });
  await server.close();
  assert.equal(run.exitCode, 0, run.stderr);
  return { told: JSON.parse(run.stdout) as Told, seen: server.seen[0]! };
}

const tokensOf = ({ logprobs }: Told): string[] => logprobs!.map(({ token }) => token);
const kinds = ['llama-server', 'vllm'] as const;

for (const kind of kinds) {
  test(`${kind}: its version, its tokens and their log-probabilities are read`, async () => {
    const { told } = await recorded(kind, 'log-probabilities', ['--logprobs', '2', '--max-tokens', '4']);
    assert.deepEqual([told.text, told.finish], ['A bar cha', 'length']);
    assert.deepEqual(tokensOf(told), ['A', ' bar', ' c', 'ha']);
    assert.deepEqual(
      told.logprobs![0]!.top.map(({ token }) => token),
      ['A', 'T'],
    );
    assert.deepEqual(told.usage, { prompt: 117, image: 112, completion: 4 });
    assert.equal(told.server.warnings, undefined);
    // vLLM tells the prompt's ids; of a whole prompt's count all that can be said is that it may be right.
    assert.deepEqual(told.server, {
      ...told.server,
      version: kind === 'vllm' ? '0.32.0' : 'b1-80fb11a',
      picture_tokens: {
        expected: 112,
        ...(kind === 'vllm' ? { counted: 112, check: 'equal' } : { check: 'possible' }),
      },
    });
  });

  test(`${kind}: an answer that a stop text ended says so, with all of its tokens, as on this machine`, async () => {
    const words = ['--stop', 'bars', '--logprobs', '1'];
    const { told, seen } = await recorded(kind, 'stop and log-probabilities', words);
    assert.deepEqual([told.text, told.finish], ['A bar chart with 6 ', 'stop-string']);
    const tokens = ['A', ' bar', ' c', 'ha', 'r', 't', ' ', 'w', 'it', 'h', ' ', '6', ' bar', 's'];
    assert.deepEqual(tokensOf(told), tokens);
    assert.deepEqual(told.usage, { prompt: 117, image: 112, completion: 14 });
    // llama-server, asked to stop there itself, takes tokens together and leaves others out.
    assert.deepEqual(seen.body['stop'], kind === 'vllm' ? ['bars'] : undefined);
    assert.equal(told.server.warnings, undefined);
  });

  test(`${kind}: what its log-probabilities are of in an answer of a form is said`, async () => {
    const words = ['--choices', 'blue,red,green', '--logprobs', '2'];
    const { told } = await recorded(kind, 'choices and log-probabilities', words);
    assert.deepEqual([told.text, tokensOf(told)], ['green', ['green']]);
    const ofAll = told.logprobs![0]!.logprob < -16;
    assert.equal(ofAll, kind === 'llama-server');
    const warnings = told.server.warnings!.join('\n');
    assert.equal(/of the tokens that the form allows/.test(warnings), kind === 'vllm');
    assert.match(warnings, /confidence is not told/);
  });

  test(`${kind}: JSON of a schema, blanks and all, is read`, async () => {
    const schema = join(folder, 'schema.json');
    const properties = { highest: { enum: ['blue', 'red', 'green'] }, bars: { type: 'integer' } };
    await writeFile(schema, JSON.stringify({ type: 'object', properties, required: ['highest', 'bars'] }));
    const { told } = await recorded(kind, 'schema', ['--schema', schema]);
    assert.deepEqual(told.data, { highest: 'blue', bars: 6 });
  });
}

test('llama-server: tokens that it leaves out of its log-probabilities are missed', async () => {
  const grammar = join(folder, 'grammar.gbnf');
  await writeFile(grammar, 'root ::= "é😀"\n');
  const { told } = await recorded('llama-server', 'parts of characters', ['--grammar', grammar, '--logprobs', '1']);
  assert.deepEqual([told.text, tokensOf(told)], ['é😀', ['é', '😀']]);
  assert.match(told.server.warnings!.join('\n'), /told of 2 of 6 tokens/);
});

test('llama-server: what its model’s chat template does not tell is refused, not left out', async () => {
  const path = new URL('../../fixtures/servers/llama-server.json', import.meta.url);
  const { model, ownedBy, routes } = JSON.parse(await readFile(path, 'utf8')) as Recording;
  const server = await startStandIn({ models: [model], ownedBy, routes });
  const asked = { role: 'user', content: 'Is it warm?' };
  const tools = [{ type: 'function', function: { name: 'warm', parameters: { type: 'object' } } }];
  const call = { id: 'abcdefghi', type: 'function', function: { name: 'warm', arguments: '{}' } };
  const called = [{ role: 'assistant', content: null, tool_calls: [call] }];
  const result = { role: 'tool', tool_call_id: 'abcdefghi', content: '17' };
  const records = [
    { id: 'tools', messages: [asked], tools },
    { id: 'tool calls', messages: [asked, ...called, result] },
    { id: 'reasoning effort', messages: [asked], reasoning_effort: 'high' },
    { id: 'plain', messages: [asked] },
  ];
  const stdin = Buffer.from(records.map((record) => JSON.stringify(record)).join('\n'));
  const run = await cli(['batch', '--records', '-', '-q', '--server', server.url], { env: {}, stdin });
  await server.close();
  assert.equal(run.exitCode, 6, run.stderr);
  assert.equal(server.seen.length, 1);
  const lines = run.stdout.trimEnd().split('\n');
  for (const { id } of records.slice(0, 3)) {
    const line = lines.find((one) => one.includes(`"id":"${id}"`));
    assert.match(line!, new RegExp(`${id}, expected none: its model's chat template does not tell them`));
  }
});
