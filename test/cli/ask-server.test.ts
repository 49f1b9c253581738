import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Answer } from '../../src/asking/events.ts';
import { imagePath } from '../helpers/corpus.ts';
import { cli } from '../helpers/cli.ts';
import { scenePath } from '../helpers/checkpoints.ts';
import { decodeFile } from '../helpers/pictures.ts';
import { type StandInOptions, startStandIn } from '../helpers/stand-in-openai.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtral-server-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const picture = scenePath('e-400x270.png'); // 25 by 17 patches of 16 pixels

async function asked(options: StandInOptions, words: readonly string[], env: Record<string, string> = {}) {
  const server = await startStandIn(options);
  try {
    const run = await cli(['ask', picture, 'what is it', '--server', server.url, ...words], {
      env: { PIXTRAL_CACHE_SIZE: '0', ...env },
    });
    return { ...run, seen: server.seen, url: server.url };
  } finally {
    await server.close();
  }
}

const jsonOf = ({ stdout, stderr }: { stdout: string; stderr: string }): Answer => {
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Answer;
};

test('a picture is sent as a PNG of just the size of its grid, before the words', async () => {
  const run = await asked({ answer: () => 'A cat on a mat.' }, ['--temperature', '0']);
  assert.deepEqual([run.exitCode, run.stdout], [0, 'A cat on a mat.\n'], run.stderr);
  const [request] = run.seen;
  assert.deepEqual(request!.pictures, [{ width: 400, height: 272 }]);
  const [message] = request!.body['messages'] as { role: string; content: { type: string; text?: string }[] }[];
  assert.deepEqual(
    message!.content.map(({ type, text }) => [type, text]),
    [
      ['image_url', undefined],
      ['text', 'what is it'],
    ],
  );
});

test('what is sent are the very pixels that view writes', async () => {
  const file = join(folder, 'seen.png');
  const rotated = imagePath('orientation-6.jpg');
  await cli(['view', rotated, '-o', file]);
  const server = await startStandIn();
  await cli(['ask', rotated, 'what', '--server', server.url]);
  await server.close();
  const sent = /base64,([^"]+)/.exec(JSON.stringify(server.seen[0]!.body))![1]!;
  const [one, other] = [await decodeFile(await readFile(file)), await decodeFile(Buffer.from(sent, 'base64'))];
  assert.deepEqual([one.width, one.height], [other.width, other.height]);
  assert.deepEqual(one.lines(0, one.height).slice(), other.lines(0, other.height).slice());
});

test('the receipt says what was sent and what the server counted', async () => {
  const ids = [1, 3, ...Array.from({ length: 26 * 17 }, () => 10), 4];
  const { server } = jsonOf(await asked({ more: () => ({ prompt_token_ids: ids }) }, ['--json']));
  assert.equal(server!.kind, 'vllm');
  assert.deepEqual(
    server!.sent.map(({ width, height, format }) => [width, height, format]),
    [[400, 272, 'png']],
  );
  assert.deepEqual(server!.picture_tokens, { expected: 442, counted: 442, check: 'equal' });
});

test('a server that shows the model less of a picture is told of, on stderr and in the answer', async () => {
  const run = await asked({ ownedBy: 'llamacpp', promptTokens: 150 }, ['--json']);
  const { server } = jsonOf(run);
  assert.deepEqual(server!.picture_tokens, { expected: 442, check: 'differs' });
  assert.match(server!.warnings![0]!, /counts 150 tokens in the whole prompt.*has 442/);
  assert.match(run.stderr, /counts 150 tokens/);
});

test('of a model that is not known here no count is judged', async () => {
  const { server } = jsonOf(await asked({ models: ['some-model'], promptTokens: 9 }, ['--json']));
  assert.deepEqual(server!.picture_tokens, { expected: 442, check: 'not checked' });
});

test('of a model that is not known here too few tokens are told of, and picture tokens that are named are counted', async () => {
  const few = await asked({ models: ['some-model'], promptTokens: 442 }, ['--json']);
  assert.match(few.stderr, /counts 442 tokens in the whole prompt.*442 of the pictures alone.*some-model.* is no name/);
  assert.equal(jsonOf(few).server!.warnings!.length, 1);
  const enough = await asked({ models: ['some-model'], promptTokens: 450 }, ['--json']);
  assert.equal(jsonOf(enough).server!.warnings, undefined);
  const ids = [1, 3, ...Array.from({ length: 26 * 17 }, () => 10), 4];
  const named = await asked({ models: ['some-model'], more: () => ({ prompt_token_ids: ids }) }, ['--json']);
  assert.deepEqual(jsonOf(named).server!.picture_tokens, { expected: 442, counted: 442, check: 'equal' });
  const others = await asked({ models: ['some-model'], more: () => ({ prompt_token_ids: ids.slice(9) }) }, ['--json']);
  assert.equal(jsonOf(others).server!.picture_tokens.check, 'not checked');
});

test('an answer in a form that a server fails at says which form it was', async () => {
  const fault = () => ({ status: 500, body: '{"error":{"message":"Internal Server Error"}}' });
  const run = await asked({ fault }, ['--choices', 'é😀,ok,three,four,five']);
  assert.equal(run.exitCode, 5);
  assert.match(
    run.stderr,
    /answered 500: Internal Server Error, 4 times in a row, asked for one of "é😀", "ok", "three", "four", \.\.\.\n/,
  );
  assert.match(run.stderr, /hint: it may have no way to answer in this form/);
});

test('options are sent by the names that the kind of server has for them', async () => {
  const words = [
    '--top-k',
    '7',
    '--min-p',
    '0.1',
    '--repeat-penalty',
    '1.2',
    '--seed',
    '5',
    '--stop',
    'x',
    '--max-tokens',
    '9',
  ];
  const sampling = ['--temperature', '0.7', '--top-p', '0.9'];
  const fieldsOf = async (ownedBy: string) => (await asked({ ownedBy }, [...words, ...sampling])).seen[0]!.body;
  const vllm = await fieldsOf('vllm');
  assert.deepEqual(
    ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty', 'seed', 'stop', 'max_tokens'].map(
      (name) => vllm[name],
    ),
    [0.7, 0.9, 7, 0.1, 1.2, 5, ['x'], 9],
  );
  assert.equal((await fieldsOf('llamacpp'))['repeat_penalty'], 1.2);
});

test('defaults are sent too: servers have others', async () => {
  const { body } = (await asked({ ownedBy: 'llamacpp' }, ['--temperature', '0'])).seen[0]!;
  assert.deepEqual(
    ['temperature', 'top_p', 'top_k', 'min_p', 'repeat_penalty'].map((name) => body[name]),
    [0, 1, 0, 0, 1],
  );
});

for (const [words, pattern] of [
  [['--top-k', '5'], /--top-k 5.*no such option/],
  [['--min-p', '0.2'], /--min-p 0.2/],
  [['--repeat-penalty', '1.1'], /--repeat-penalty 1.1/],
  [['--grammar', 'g.gbnf'], /--grammar.*takes no grammars/],
  [['--on-loop', 'retry'], /--on-loop retry.*stop or off/],
  [['--logprobs', '30', '--json'], /--logprobs 30.*at most 20/],
  [['--stop', 'a', '--stop', 'b', '--stop', 'c', '--stop', 'd', '--stop', 'e'], /--stop: 5 texts/],
] as const) {
  test(`an OpenAI-style server of no known kind is not asked for ${words.join(' ')}`, async () => {
    await writeFile(join(folder, 'g.gbnf'), 'root ::= "a" | "b"');
    const named = words.map((word) => (word === 'g.gbnf' ? join(folder, word) : word));
    const run = await asked({ ownedBy: 'somebody' }, named);
    assert.equal(run.exitCode, 2, run.stderr);
    assert.match(run.stderr, pattern);
    assert.equal(run.seen.length, 0);
  });
}

test('options of the machine are refused beside a server', async () => {
  const run = await asked({}, ['--threads', '3']);
  assert.equal(run.exitCode, 2);
  assert.match(run.stderr, /--threads and --server: the server computes/);
});

const schema = ['--schema', 'shop, total: number', '--json'];

test('--tell-schema puts the schema behind the question at a server too', async () => {
  const answer = (): string => '{"shop":"a","total":1}';
  const { seen } = await asked({ answer }, [...schema, '--tell-schema']);
  assert.match(JSON.stringify(seen[0]!.body['messages']), /what is it\\n\\nAnswer in JSON of this form:\\n\{/);
});

test('JSON of a schema is asked for, and comes parsed', async () => {
  const run = await asked({ answer: () => '{"shop":"A","total":3}' }, schema);
  assert.deepEqual(jsonOf(run).data, { shop: 'A', total: 3 });
  const { response_format: format } = run.seen[0]!.body as { response_format: { type: string } };
  assert.equal(format.type, 'json_schema');
});

for (const [name, answer, pattern] of [
  ['breaks its schema', '{"shop":"A"}', /not what the schema says.*total/],
  ['is no JSON', 'The shop is A.', /is not JSON/],
] as const) {
  test(`an answer that ${name} is an error, whatever the server promised`, async () => {
    const run = await asked({ answer: () => answer }, schema);
    assert.equal(run.exitCode, 5);
    assert.match(run.stderr, pattern);
    assert.equal(run.stdout, '');
  });
}

test('choices are asked for as each kind has them, and looked at', async () => {
  const bodyOf = async (ownedBy: string, text: string) => {
    const run = await asked({ ownedBy, answer: () => text }, ['--choices', 'day,night']);
    assert.deepEqual([run.exitCode, run.stdout], [0, 'night\n'], run.stderr);
    return run.seen[0]!.body;
  };
  assert.deepEqual((await bodyOf('vllm', 'night'))['structured_outputs'], { choice: ['day', 'night'] });
  assert.match(String((await bodyOf('llamacpp', 'night'))['grammar']), /night/);
  assert.equal((await bodyOf('sglang', 'night'))['regex'], 'day|night');
  assert.match(
    JSON.stringify((await bodyOf('someone', '{"choice":"night"}'))['response_format']),
    /"enum":\["day","night"\]/,
  );
  const wrong = await asked({ answer: () => 'dusk' }, ['--choices', 'day,night']);
  assert.equal(wrong.exitCode, 5);
  assert.match(wrong.stderr, /none of the choices: "dusk"/);
});

test('what a grammar does not allow is an error', async () => {
  const file = join(folder, 'digits.gbnf');
  await writeFile(file, 'root ::= [0-9]+');
  assert.equal((await asked({ answer: () => '42' }, ['--grammar', file])).stdout, '42\n');
  const wrong = await asked({ answer: () => '42!' }, ['--grammar', file]);
  assert.equal(wrong.exitCode, 5);
  assert.match(wrong.stderr, /not what the grammar says: "42!"/);
});

test('a stop text is kept to where the server passes it over', async () => {
  const run = await asked({ answer: () => 'one two three' }, ['--stop', 'two', '--json']);
  assert.deepEqual([jsonOf(run).text, jsonOf(run).finish], ['one ', 'stop-string']);
});

test('log-probabilities come as ours do', async () => {
  const content = [
    { token: 'Yes', logprob: -0.1, bytes: [89, 101, 115], top_logprobs: [{ token: 'No', logprob: -2.3, bytes: null }] },
  ];
  const { logprobs } = jsonOf(await asked({ more: () => ({ logprobs: { content } }) }, ['--logprobs', '1', '--json']));
  assert.deepEqual(logprobs, [{ token: 'Yes', logprob: -0.1, top: [{ token: 'No', logprob: -2.3 }] }]);
});

test('a busy server is asked again when it said', async () => {
  const fault = (count: number) => (count <= 2 ? { status: 429, headers: { 'retry-after': '0' } } : undefined);
  const run = await asked({ fault, answer: () => 'at last' }, ['--json']);
  assert.deepEqual([run.exitCode, jsonOf(run).text, jsonOf(run).server!.attempts], [0, 'at last', 3], run.stderr);
});

test('a server that fails each time is given up, with its own words', async () => {
  const run = await asked({ fault: () => ({ status: 500, body: '{"detail":"out of memory"}' }) }, []);
  assert.equal(run.exitCode, 5);
  assert.match(run.stderr, /answered 500: out of memory, 4 times in a row/);
});

test('an answer that was cut after some text was shown is an error, and not begun anew', async () => {
  const run = await asked({ answer: () => 'one two three four', fault: () => ({ cut: 120 }) }, []);
  assert.equal(run.exitCode, 5, run.stderr);
  assert.equal(run.seen.length, 1);
});

test('a key goes where it belongs, and nowhere else', async () => {
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, 'sk-secret-1\n');
  const right = await asked({ key: 'sk-secret-1' }, ['--api-key', keyFile]);
  assert.equal(right.exitCode, 0, right.stderr);
  assert.equal((await asked({ key: 'k2' }, [], { PIXTRAL_API_KEY: 'k2' })).exitCode, 0);
  const wrong = await asked({ key: 'other' }, ['--api-key', keyFile]);
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /answered 401: Invalid key/);
  assert.doesNotMatch(wrong.stderr, /secret/);
  const itself = await asked({}, ['--api-key', 'sk-secret-2']);
  assert.equal(itself.exitCode, 2);
  assert.doesNotMatch(itself.stderr, /secret/);
  const own = await asked({}, [], { OPENAI_API_KEY: 'sk-secret-3', MISTRAL_API_KEY: 'sk-secret-4' });
  assert.equal(own.seen[0]!.authorization, undefined);
});

test('a redirect is not followed: pictures and key would go to somebody else', async () => {
  const other = await startStandIn();
  const fault = () => ({ status: 307, headers: { location: `${other.url}/v1/chat/completions` } });
  const run = await asked({ fault }, [], { PIXTRAL_API_KEY: 'k' });
  await other.close();
  assert.equal(run.exitCode, 5);
  assert.match(run.stderr, new RegExp(`redirects to ${other.url}`));
  assert.equal(other.seen.length, 0);
});

test('of several models one has to be named, and it must be there', async () => {
  const models = ['a', 'b'];
  assert.match((await asked({ models }, [])).stderr, /has 2 models, expected --model to name one: "a", "b"/);
  assert.equal((await asked({ models }, ['--model', 'b'])).seen[0]!.body['model'], 'b');
  const wrong = await asked({ models }, ['--model', 'c']);
  assert.equal(wrong.exitCode, 4);
  assert.match(wrong.stderr, /has no model "c", expected one of "a", "b"/);
});

test('where nobody listens, that is said at once', async () => {
  const server = await startStandIn();
  await server.close();
  const run = await cli(['ask', picture, 'what', '--server', server.url]);
  assert.equal(run.exitCode, 5);
  assert.match(run.stderr, /no server answers: .*ECONNREFUSED/);
});

test('what is no address of a server is refused, and no password is shown', async () => {
  for (const word of ['localhost:8000', 'ftp://a', 'http://me:hidden@host/']) {
    const run = await cli(['ask', picture, 'what', '--server', word]);
    assert.equal(run.exitCode, 2, word);
    assert.doesNotMatch(run.stderr, /hidden/);
  }
});

test('a server is reached over a socket file', async () => {
  const run = await asked({ socketPath: join(folder, 'x.sock'), answer: () => 'through a file' }, ['--json']);
  assert.deepEqual([jsonOf(run).text, jsonOf(run).server!.url], ['through a file', `unix:${join(folder, 'x.sock')}`]);
});

test('PIXTRAL_SERVER names one, and off asks this machine', async () => {
  const server = await startStandIn({ answer: () => 'from there' });
  try {
    const env = { PIXTRAL_SERVER: server.url, PIXTRAL_CACHE_SIZE: '0' };
    assert.equal((await cli(['ask', picture, 'what'], { env })).stdout, 'from there\n');
    const here = await cli(['ask', picture, 'what', '--server', 'off', '--model', '/nothing/there.gguf'], { env });
    assert.equal(here.exitCode, 4, here.stderr);
  } finally {
    await server.close();
  }
});

test('a certificate that nobody vouches for ends in a line that says what to do', async () => {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'];
  await promisify(execFile)('openssl', [...made, '-keyout', key, '-out', cert]);
  const tls = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  const run = await asked({ tls }, []);
  assert.equal(run.exitCode, 5);
  assert.match(run.stderr, /its certificate is not trusted: self-signed certificate/);
  assert.match(run.stderr, /NODE_EXTRA_CA_CERTS/);
  assert.equal(run.seen.length, 0);
});
