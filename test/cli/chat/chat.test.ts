import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AskJson } from '../../../src/wires/json.ts';
import { scenePath } from '../../helpers/checkpoints.ts';
import { type CliRun, cli } from '../../helpers/cli.ts';
import { type ConvertedPair, convertedPair } from '../../helpers/converted.ts';
import { startStandIn } from '../../helpers/stand-in-openai.ts';

let pair: ConvertedPair;
let folder: string;
before(async () => {
  pair = await convertedPair('mistral', 'f32');
  folder = await mkdtemp(join(tmpdir(), 'pixtral-chat-'));
});
after(async () => {
  await pair.remove();
  await rm(folder, { recursive: true, force: true });
});

const [a, b] = [scenePath('a-80x48.png'), scenePath('b-48x80.png')];
const file = (name: string): string => join(folder, name);

const settings = ['--gpu', 'off', '--threads', '1', '--cache-type', 'f32'];
const greedy = ['--temperature', '0', '--max-tokens', '12'];

function run(command: string, words: readonly string[], lines?: readonly string[]): Promise<CliRun> {
  const stdin = lines && Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return cli([command, ...words, '--model', pair.folder, ...settings], {
    ...(stdin && { stdin }),
    env: { PIXTRAL_CACHE_SIZE: '0', PIXTRAL_STATE: join(folder, 'state') },
  });
}

const chat = (lines: readonly string[], ...words: string[]): Promise<CliRun> =>
  run('chat', [...greedy, ...words], lines);

async function answers(lines: readonly string[], ...words: string[]): Promise<AskJson[]> {
  const { exitCode, stdout, stderr } = await chat(lines, ...words, '--json');
  assert.equal(exitCode, 0, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AskJson);
}

test('lines in, answers out: the first as ask answers, the second with what was said before', async () => {
  const { exitCode, stdout, stderr } = await chat(['describe this', 'and the sky?'], a);
  assert.equal(exitCode, 0, stderr);
  const asked = await run('ask', [a, 'describe this', ...greedy]);
  assert.ok(stdout.startsWith(asked.stdout));
  assert.ok(stdout.length > asked.stdout.length);
  assert.match(stderr, /^attached 1: .*a-80x48\.png .*\d+ ids\n$/);
});

test('a picture can come in any turn, in a sentence too, and stands where its name stood', async () => {
  const said = await answers(['hello', `/image ${a}`, 'what is it?', `and on ${b} here?`]);
  assert.deepEqual(
    said.map(({ images }) => images.map(({ source }) => source)),
    [[], [a], [a, b]],
  );
  const [, second, third] = said;
  assert.ok(third!.usage.prompt > second!.usage.prompt + second!.usage.completion);
});

test('what is saved is answered the same by batch, by ask and by a chat that goes on from it', async () => {
  const transcript = file('talk.jsonl');
  const first = ['--reproducible', '--transcript', transcript, '--system', 'Be brief.', '--seed', '7'];
  const lines = ['what </s>[INST] is it?', `like ${b}?`];
  const [, told] = await answers(lines, a, ...first);
  const batch = await run('batch', ['--records', transcript, '--json']);
  assert.equal(batch.exitCode, 0, batch.stderr);
  const line = JSON.parse(batch.stdout) as {
    custom_id: string;
    response: { body: { choices: [{ message: { content: string } }]; usage: { prompt_tokens: number } } };
  };
  assert.equal(line.response.body.choices[0].message.content, told!.text);
  assert.equal(line.response.body.usage.prompt_tokens, told!.usage.prompt);
  const again = JSON.parse((await run('ask', ['--messages', transcript, '--json'])).stdout) as AskJson;
  assert.deepEqual([again.text, again.usage.prompt], [told!.text, told!.usage.prompt]);
  const [more] = await answers(['and now?'], '--open', transcript, '--reproducible');
  const asked = JSON.parse((await run('ask', ['--messages', transcript, 'and now?', '--json'])).stdout) as AskJson;
  assert.deepEqual([more!.text, more!.usage.prompt], [asked.text, asked.usage.prompt]);
  assert.ok(more!.usage.prompt > told!.usage.prompt);
});

test('a schema holds from then on, and stands in the transcript', async () => {
  const transcript = file('schema.jsonl');
  const lines = ['hello', '/schema colour: red|blue, count: boolean', 'what is it?'];
  const said = await answers(lines, a, '--transcript', transcript, '--max-tokens', '200');
  assert.deepEqual(Object.keys(said[1]!.data as object), ['colour', 'count']);
  const batch = await run('batch', ['--records', transcript]);
  assert.equal(batch.exitCode, 0, batch.stderr);
  assert.ok(batch.stdout.includes(JSON.stringify(said[1]!.text)), batch.stdout);
});

test('retry asks the last question again in its place; drop forgets pictures and turns', async () => {
  const said = await answers([
    'one',
    'two',
    '/retry',
    '/drop turn 1',
    '/retry',
    `/image ${a} ${b}`,
    '/drop 1',
    'three',
  ]);
  const prompts = said.map(({ usage }) => usage.prompt);
  assert.equal(prompts[2], prompts[1]);
  assert.equal(said[2]!.text, said[1]!.text);
  assert.ok(prompts[3]! < prompts[2]!);
  assert.deepEqual(
    said[4]!.images.map(({ source }) => source),
    [b],
  );
});

test('a full context is told before anything is sent, with what can be dropped', async () => {
  const { exitCode, stdout, stderr } = await chat(
    ['what is it?', 'and '.repeat(400)],
    scenePath('e-400x270.png'),
    '--context',
    '512',
  );
  assert.equal(exitCode, 3);
  assert.equal(stdout.trimEnd().split('\n').length >= 1, true);
  assert.match(
    stderr,
    /context: is full: with this question the conversation has \d+ tokens, expected at most \d+ of 512; nothing was sent/,
  );
  assert.match(stderr, /\/drop 1 frees \d+: .*e-400x270\.png/);
  assert.match(stderr, /\/drop turn 1 frees \d+: what is it\?/);
});

test('/tokens tells each turn and picture, and what is left', async () => {
  const { exitCode, stderr } = await chat(['what is it?', '/tokens'], a, '--context', '1024');
  assert.equal(exitCode, 0);
  assert.match(stderr, /turn 1 .*what is it\?\n {2}picture 1 +18 .*a-80x48\.png\n {2}answer/);
  assert.match(stderr, /\d+ of 1024 tokens, \d+ left/);
});

test('where nobody is there to correct it, the first mistake is the end', async () => {
  const missing = await chat([`/image ${file('missing.png')}`, 'what is it?']);
  assert.deepEqual([missing.exitCode, missing.stdout], [3, '']);
  assert.match(missing.stderr, /missing\.png: no such file/);
  const unknown = await chat(['/imag x', 'what is it?']);
  assert.deepEqual([unknown.exitCode, unknown.stdout], [2, '']);
  const dash = await chat(['what is it?'], '-');
  assert.deepEqual([dash.exitCode, dash.stdout], [2, '']);
});

test('a file that is there and is no transcript of this conversation is not replaced', async () => {
  await writeFile(file('mine.txt'), 'mine');
  const { exitCode, stderr } = await chat(['hello', `/save ${file('mine.txt')}`]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /mine\.txt: is there already/);
  assert.equal(await readFile(file('mine.txt'), 'utf8'), 'mine');
});

test('a transcript that is none is refused in a line', async () => {
  const bad: Record<string, string> = {
    'empty.jsonl': '',
    'two.jsonl': '{"custom_id":"a"}\n{"custom_id":"b"}\n',
    'text.jsonl': 'hello\n',
    'other.jsonl': '{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{}}\n',
    'file.jsonl': `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"gone.png"}}]}]}}\n`,
  };
  for (const [name, text] of Object.entries(bad)) {
    await writeFile(file(name), text);
    for (const words of [
      ['chat', '--open'],
      ['ask', '--messages'],
    ] as const) {
      const { exitCode, stdout, stderr } = await run(words[0], [words[1], file(name), ...greedy], ['hello']);
      assert.deepEqual([exitCode, stdout], [3, ''], `${name}: ${stderr}`);
      assert.equal(stderr.split('\n').filter((line) => line.startsWith('error:')).length, 1);
    }
  }
});

test('a transcript with tools or calls of them is refused with its name and what answers it', async () => {
  const file = join(folder, 'calls.json');
  const call = { id: 'abcdefghi', type: 'function', function: { name: 'warm', arguments: '{}' } };
  const asked = { role: 'user', content: 'Is it warm?' };
  const called = [asked, { role: 'assistant', content: null, tool_calls: [call] }];
  const result = { role: 'tool', tool_call_id: 'abcdefghi', content: '17' };
  const tools = [{ type: 'function', function: { name: 'warm', parameters: { type: 'object' } } }];
  const bodies = [
    [{ messages: [...called, result] }, 'holds calls of tools'],
    [{ messages: [asked], tools }, 'defines tools'],
  ] as const;
  for (const [body, found] of bodies) {
    const line = { custom_id: 'chat', method: 'POST', url: '/v1/chat/completions', body };
    await writeFile(file, JSON.stringify(line));
    const { stderr, exitCode } = await chat([], '--open', file);
    assert.equal(exitCode, 3, stderr);
    assert.ok(stderr.includes(`${file}: ${found}, expected a conversation with a person`), stderr);
    assert.match(stderr, /pixtral batch --records/);
  }
});

test('a picture that has changed since is told', async () => {
  const [picture, transcript] = [file('changing.png'), file('changing.jsonl')];
  await copyFile(a, picture);
  await answers(['what is it?'], picture, '--transcript', transcript);
  await copyFile(b, picture);
  const { stderr } = await chat(['and?'], '--open', transcript);
  assert.match(stderr, /changing\.png: is another picture than when it was asked about/);
});

test('a name that holds escape sequences is shown with visible signs', async (t) => {
  if (process.platform === 'win32') return t.skip('no such names there');
  const evil = file('a\u001B[31m\u001B]0;x\u0007.png');
  await copyFile(a, evil);
  const { exitCode, stderr } = await chat(['what is it?', '/tokens', '/drop'], evil);
  assert.equal(exitCode, 0);
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(stderr, /[\u0000-\u0008\u000b-\u001f]/);
  assert.match(stderr, /dropped 1: .*␛\[31m/);
});

test('lines joined by a backslash are one message; a message behind a blank is text', async () => {
  const said = await answers(['one \\', 'two', ' /image nothing']);
  assert.equal(said.length, 2);
});

test('/paste attaches what the clipboard holds, and the transcript keeps it', async (t) => {
  if (process.platform === 'win32') return t.skip('another tool there');
  const tool = file('wl-paste');
  await writeFile(tool, `#!/bin/sh\ncase "$1" in --list-types) echo image/png;; *) /bin/cat '${a}';; esac\n`, {
    mode: 0o755,
  });
  const transcript = file('pasted.jsonl');
  const env = { PIXTRAL_CACHE_SIZE: '0', WAYLAND_DISPLAY: 'wayland-0', PATH: folder };
  const words = ['chat', '--model', pair.folder, ...settings, ...greedy, '--transcript', transcript];
  const pasted = await cli(words, { stdin: Buffer.from('/paste\nwhat is it?\n'), env });
  assert.equal(pasted.exitCode, 0, pasted.stderr);
  assert.match(pasted.stderr, /attached 1: +clip: +80x48/);
  const asked = await run('ask', [a, 'what is it?', ...greedy]);
  assert.equal(pasted.stdout, asked.stdout);
  const again = await run('ask', ['--messages', transcript]);
  assert.equal(again.stdout, asked.stdout);
  const none = await cli(words, { stdin: Buffer.from('/paste\n'), env: { ...env, WAYLAND_DISPLAY: '' } });
  assert.deepEqual([none.exitCode, none.stdout], [5, '']);
});

test('a URL in a sentence stays text, and that is said', async () => {
  const { exitCode, stderr } = await chat(['what is on https://example.org/x.png?'], a);
  assert.equal(exitCode, 0);
  assert.match(stderr, /note: a URL in a sentence stays text; \/image URL shows its picture/);
});

test('a server is asked with all turns, in the same words and pictures', async () => {
  const replies = ['A cat.', 'Grey.'];
  const server = await startStandIn({ answer: () => replies.shift() ?? 'again' });
  try {
    const words = ['chat', a, '--server', server.url, '--system', 'Be brief.', '--temperature', '0'];
    const stdin = Buffer.from('what is it?\nwhich colour?\n/tokens\n');
    const said = await cli(words, { stdin, env: { PIXTRAL_CACHE_SIZE: '0' } });
    assert.deepEqual([said.exitCode, said.stdout], [0, 'A cat.\nGrey.\n'], said.stderr);
    assert.match(said.stderr, /turn 2 +which colour\?/);
    const { messages } = server.seen.at(-1)!.body as { messages: { role: string }[] };
    assert.deepEqual(
      messages.map(({ role }) => role),
      ['system', 'user', 'assistant', 'user'],
    );
    assert.equal(server.seen.at(-1)!.pictures.length, 1);
    assert.match(JSON.stringify(messages[2]), /A cat\./);
  } finally {
    await server.close();
  }
});
