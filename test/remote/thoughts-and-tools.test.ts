import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AskJson } from '../../src/wires/json.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { type StandInOptions, startStandIn } from '../helpers/stand-in-openai.ts';

const picture = scenePath('c-64x64.png');
const env = { PIXTRAL_CACHE_SIZE: '0' };

async function run(options: StandInOptions, words: readonly string[], stdin?: string) {
  const server = await startStandIn(options);
  try {
    const said = await cli([...words, '--server', server.url], {
      env,
      ...(stdin !== undefined && { stdin: Buffer.from(stdin) }),
    });
    return { ...said, bodies: server.seen.map(({ body }) => body) };
  } finally {
    await server.close();
  }
}

const ask = (options: StandInOptions, ...words: string[]) => run(options, ['ask', picture, 'what is it', ...words]);

type Line = AskJson & { error?: { code: string; message: string } };

async function record(options: StandInOptions, body: object): Promise<{ line: Line; sent: Record<string, unknown> }> {
  const line = JSON.stringify({ id: 1, ...body });
  const { stdout, stderr, bodies } = await run(options, ['batch', '--records', '-', '--quiet'], line);
  assert.notEqual(stdout, '', stderr);
  return { line: JSON.parse(stdout) as Line, sent: bodies[0] ?? {} };
}

/** Where each kind of server puts what its model has thought. */
const placed = {
  'llama-server': { ownedBy: 'llamacpp', message: () => ({ reasoning_content: 'It has ears.' }) },
  vllm: { ownedBy: 'vllm', message: () => ({ reasoning: 'It has ears.' }) },
  'vllm, in both fields': {
    ownedBy: 'vllm',
    message: () => ({ reasoning_content: 'It has ears.', reasoning: 'It has ears.' }),
  },
  mistral: {
    ownedBy: 'mistralai',
    message: () => ({
      content: [
        {
          type: 'thinking',
          thinking: [
            { type: 'text', text: 'It has ' },
            { type: 'text', text: 'ears.' },
          ],
        },
        { type: 'text', text: 'A cat.' },
      ],
    }),
  },
};

for (const [kind, place] of Object.entries(placed)) {
  const answering: StandInOptions = {
    ...place,
    answer: () => 'A cat.',
    usage: { completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 5 } },
  };
  test(`thoughts as ${kind} tells them are shown on stderr, hidden, or a field of the answer`, async () => {
    const shown = await ask(answering, '--reasoning', 'show');
    assert.deepEqual([shown.exitCode, shown.stdout], [0, 'A cat.\n'], shown.stderr);
    assert.match(shown.stderr, /It has ears\.\n\n/);
    const hidden = await ask(answering);
    assert.deepEqual([hidden.exitCode, hidden.stdout], [0, 'A cat.\n'], hidden.stderr);
    assert.doesNotMatch(hidden.stderr, /ears/);
    const [told, kept] = [await ask(answering, '--json', '--reasoning', 'show'), await ask(answering, '--json')];
    const [open, closed] = [told, kept].map(({ stdout }) => JSON.parse(stdout) as AskJson) as [AskJson, AskJson];
    assert.deepEqual([open.text, open.reasoning], ['A cat.', 'It has ears.']);
    assert.deepEqual([closed.text, closed.reasoning], ['A cat.', undefined]);
    for (const { usage } of [open, closed]) assert.deepEqual([usage.completion, usage.reasoning], [9, 5]);
    assert.doesNotMatch(kept.stdout, /ears/);
  });
}

test('hidden thoughts are in no field of an answer: not in its data, its text or its log-probabilities', async () => {
  const tokens = ['It has', ' ears', '[/THINK]', '{"cat"', ': true}', '</s>'];
  const content = tokens.map((token) => ({ token, logprob: -0.5, bytes: [...Buffer.from(token)], top_logprobs: [] }));
  const answering: StandInOptions = {
    answer: () => '{"cat": true}',
    message: () => ({ reasoning_content: '{"cat": false} It has ears' }),
    more: () => ({ logprobs: { content } }),
  };
  for (const stream of [true, false]) {
    const words = ['--schema', 'cat: boolean', '--logprobs', '0', '--json'];
    const { stdout, stderr } = stream
      ? await ask(answering, ...words)
      : await run(
          answering,
          ['batch', '--records', '-', '--quiet', ...words.slice(0, 4)],
          JSON.stringify({ id: 1, images: [picture], prompt: 'cat?' }),
        );
    assert.notEqual(stdout, '', stderr);
    const answer = JSON.parse(stdout) as AskJson;
    assert.deepEqual(answer.data, { cat: true }, stdout);
    assert.deepEqual(
      answer.logprobs!.map(({ token }) => token),
      ['{"cat"', ': true}'],
    );
    assert.doesNotMatch(stdout, /It has|ears\b/);
  }
});

const weather = {
  type: 'function',
  function: { name: 'get_weather', description: 'Now.', parameters: { type: 'object', properties: { z: {}, a: {} } } },
};
const called = { id: 'call_7f', type: 'function', function: { name: 'get_weather', arguments: '{"city": "Paris"}' } };
const calling: StandInOptions = {
  message: () => ({ content: null, reasoning_content: 'I must look.', tool_calls: [called] }),
  finish: 'tool_calls',
};
const asked = { messages: [{ role: 'user', content: 'Is it warm there?' }], tools: [weather] };

test('tools are sent as they were written, and calls come back as on this machine', async () => {
  const { line, sent } = await record(calling, { ...asked, reasoning: 'show' });
  assert.deepEqual(sent['tools'], [weather]);
  assert.equal(sent['tool_choice'], 'auto');
  assert.deepEqual(line.tool_calls, [called]);
  assert.deepEqual([line.text, line.finish, line.reasoning], ['', 'stop', 'I must look.']);
});

test('definitions of tools beside a prompt, of which no model would be told, are that record’s error', async () => {
  const record = { id: 1, images: [], prompt: 'Is it warm there?', tools: [weather] };
  const refused = await run({}, ['batch', '--records', '-', '--quiet'], JSON.stringify(record));
  assert.equal(refused.exitCode, 6);
  assert.match(refused.stdout, /tools: stand beside a prompt, expected them beside messages/);
  const column = { id: 1, images: [], tools: ['saw', 'axe'] };
  const words = ['batch', '--records', '-', '--quiet', '-p', 'Which of {tools}?'];
  assert.equal((await run({}, words, JSON.stringify(column))).exitCode, 0);
});

test('numbers and the order of keys in definitions arrive as they stood in the record', async () => {
  let raw = '';
  const written = '{"type":"function","function":{"name":"f","parameters":{"maximum":1.0,"2":true,"1":1e2}}}';
  const server = await startStandIn({ onBody: (text) => (raw = text) });
  const stdin = Buffer.from(`{"id":1,"messages":[{"role":"user","content":"a"}],"tools":[${written}]}`);
  await cli(['batch', '--records', '-', '--quiet', '--server', server.url], { env, stdin });
  await server.close();
  assert.ok(raw.includes('"parameters": {"maximum": 1.0, "2": true, "1": 100.0}'), raw);
});

test('a conversation goes on at a server with calls, results and thoughts in the fields of its kind', async () => {
  const history = [
    ...asked.messages,
    { role: 'assistant', content: null, reasoning_content: 'I must look.', tool_calls: [called] },
    { role: 'tool', tool_call_id: 'call_7f', content: '21 degrees' },
  ];
  const thoughts: Record<string, object> = {
    vllm: { content: null, reasoning: 'I must look.' },
    llamacpp: { content: null, reasoning_content: 'I must look.' },
    mistralai: { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'I must look.' }] }] },
  };
  for (const [ownedBy, fields] of Object.entries(thoughts)) {
    const { line, sent } = await record({ ownedBy, answer: () => 'Yes.' }, { ...asked, messages: history });
    assert.equal(line.text, 'Yes.', JSON.stringify(line.error));
    assert.deepEqual((sent['messages'] as object[]).slice(1), [
      { role: 'assistant', ...fields, tool_calls: [called] },
      { role: 'tool', content: '21 degrees', tool_call_id: 'call_7f' },
    ]);
  }
  const { line } = await record({ ownedBy: 'someone' }, { ...asked, messages: history });
  assert.match(line.error!.message, /thoughts of an earlier answer/);
});

test('a tool that had to be asked for, or must not be, is looked at; a call without a name is an error', async () => {
  const choices = [
    [{ answer: () => 'Warm.' }, 'required', /no tool is asked for, expected one/],
    [calling, 'none', /a tool is asked for, expected none/],
    [
      { ...calling, message: () => ({ tool_calls: [{ id: 'x', function: { arguments: '{}' } }] }) },
      'auto',
      /a tool without a name/,
    ],
  ] as const;
  for (const [answering, tool_choice, message] of choices) {
    const { line } = await record(answering, { ...asked, tool_choice });
    assert.match(line.error!.message, message);
  }
  const by = { type: 'function', function: { name: 'get_weather' } };
  const { line, sent } = await record(calling, { ...asked, tool_choice: by });
  assert.deepEqual([sent['tool_choice'], line.tool_calls], [by, [called]]);
});

test('a call without an id gets one, and several calls of a stream keep their order', async () => {
  const two = ['one', 'two'].map((name) => ({ type: 'function', function: { name, arguments: `{"n": "${name}"}` } }));
  const shown = await ask({ message: () => ({ content: '', tool_calls: two }), finish: 'tool_calls' });
  assert.deepEqual([shown.exitCode, shown.stdout], [0, 'one({"n": "one"})\ntwo({"n": "two"})\n'], shown.stderr);
  const { line } = await record({ message: () => ({ content: '', tool_calls: two }) }, asked);
  for (const { id } of line.tool_calls!) assert.match(id, /^[a-zA-Z0-9]{9}$/);
});

test('how much to think is sent; that nothing is to be thought only to those that keep to it', async () => {
  const { bodies } = await ask({}, '--reasoning-effort', 'high');
  assert.equal(bodies[0]!['reasoning_effort'], 'high');
  const off = await ask({ ownedBy: 'mistralai' }, '--reasoning', 'off', '--top-k', '0');
  assert.equal(off.bodies[0]?.['reasoning_effort'], 'none', off.stderr);
  const refused = await ask({}, '--reasoning', 'off');
  assert.deepEqual([refused.exitCode, refused.bodies.length], [2, 0]);
  assert.match(refused.stderr, /vLLM: --reasoning off, expected show or hide/);
});

test('chat shows or hides thoughts by --reasoning, and its next question does not carry them', async () => {
  const thinking: StandInOptions = { answer: (_, count) => `Cat ${count}.`, message: () => ({ reasoning: 'Ears.' }) };
  const lines = 'what is it?\nand now?\n';
  const shown = await run(thinking, ['chat', picture, '--reasoning', 'show'], lines);
  assert.deepEqual([shown.exitCode, shown.stdout], [0, 'Cat 1.\nCat 2.\n'], shown.stderr);
  assert.equal(shown.stderr.split('Ears.').length, 3);
  assert.doesNotMatch(JSON.stringify(shown.bodies[1]!['messages']), /Ears/);
  const hidden = await run(thinking, ['chat', picture], lines);
  assert.doesNotMatch(hidden.stderr, /Ears/);
});

test('a chat says what a model asks for that it has no tools for, and goes on', async () => {
  const { stdout, stderr } = await run(calling, ['chat', picture], 'warm?\n/exit\n');
  assert.equal(stdout, 'get_weather({"city": "Paris"})\n');
  assert.match(stderr, /asks for tools, which a chat does not have/);
});
