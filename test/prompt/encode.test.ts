import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from '../helpers/fast-check.ts';
import { PixtralError } from '../../src/base/errors.ts';
import { parseExactJson } from '../../src/base/exact-json.ts';
import { encodePrompt } from '../../src/prompt/encode.ts';
import type { Message } from '../../src/prompt/message.ts';
import { tekkenFromJson } from '../../src/tokenizer/from-tekken-json.ts';
import { type Tekken, type TokenizerVersion, createTekken, tokenizerVersions } from '../../src/tokenizer/tekken.ts';
import { type Chats, chatIds, idsBy } from '../helpers/chats.ts';
import { checkpointFolder, relativeChats, relatives } from '../helpers/checkpoints.ts';
import { golden, tekken } from '../helpers/tekken.ts';
import {
  type Grid,
  assistant,
  goldenConversations,
  picture,
  said,
  system,
  user,
} from '../helpers/tekken-conversations.ts';

const pixtral = tekken();
const idsOf = (messages: readonly Message<Grid>[], version = pixtral): number[] =>
  encodePrompt(messages, version).flatMap(({ ids }) => ids);

for (const version of ['v3', 'v7', 'v11', 'v13', 'v7-v13'] as const) {
  test(`every golden conversation has mistral-common's ids in ${version}, or is refused by both`, () => {
    const conversations = goldenConversations();
    assert.ok(conversations.length >= 500);
    for (const { messages, ids } of conversations) {
      const expected = ids[version];
      const encode = (): number[] => idsOf(messages, withVersion(version));
      if (expected === null) assert.throws(encode, PixtralError, JSON.stringify(messages));
      else assert.deepEqual(encode(), expected, JSON.stringify(messages));
    }
  });
}

const withVersion = (version: TokenizerVersion): Tekken =>
  version === 'v7-v13' ? createTekken({ ...tekken('v13'), version }) : tekken(version);

test('every golden chat with tools, thoughts and settings has the ids of mistral-common, or is refused by both', () => {
  const { builders, rows } = golden('chats') as Chats;
  assert.ok(rows.length >= 200);
  for (const chat of rows) {
    if (chat.ids === null) assert.throws(() => chatIds(chat, builders), PixtralError, JSON.stringify(chat));
    else assert.deepEqual(chatIds(chat, builders), chat.ids, JSON.stringify(chat));
  }
});

for (const name of relatives) {
  test(`chats have the ids of mistral-common by the tokenizer of ${name}, or are refused by both`, () => {
    const path = join(checkpointFolder(name), 'tekken.json');
    const tokenizer = tekkenFromJson(readFileSync(path), path);
    const chats = relativeChats()[name];
    assert.ok(chats.length >= 12);
    for (const chat of chats) {
      if (chat.ids === null) assert.throws(() => idsBy(tokenizer, chat), PixtralError, JSON.stringify(chat));
      else assert.deepEqual(idsBy(tokenizer, chat), chat.ids, JSON.stringify(chat));
    }
  });
}

test('where the version is one of three, tools are refused with the file that would tell', () => {
  const tool = { name: 'f', description: '', parameters: parseExactJson('{}') };
  assert.throws(() => encodePrompt([user(said('a'))], withVersion('v7-v13'), { tools: [tool] }), {
    code: 'input',
    message: /do not say how its tokenizer lays them out/,
    hint: /tekken\.json/,
  });
});

test('an empty list of texts is no system prompt in v3, an empty text is one', () => {
  const [nothing, empty] = [system(), system(said(''))];
  const lead = (...messages: Message<Grid>[]): string => pixtral.decode(idsOf([...messages, user(said('a'))]));
  assert.equal(lead(system(said('S')), nothing), 'S\n\na');
  assert.equal(lead(system(said('S')), empty), 'S\n\n\n\na');
  assert.equal(lead(empty, nothing), 'a');
});

test('the conversations of the reference have the ids that it states', () => {
  const image = [10, 10, 12, 10, 10, 13];
  const square = picture(2, 2);
  const expected: [messages: Message<Grid>[], ids: number[]][] = [
    [
      [system(said('SYSTEM')), user(said('a')), assistant('b'), user(said('c')), { ...assistant('d'), prefix: true }],
      [1, 3, 1097, 4, 1098, 2, 3, 101289, 58343, 1267, 1099, 4, 1100],
    ],
    [[user(said('a'), square)], [1, 3, ...image, 1097, 4]],
    [
      [system(said('A B')), user(said('C'), square)],
      [1, 3, 1065, 1398, 1267, ...image, 1067, 4],
    ],
    [
      [system(said('A B')), user(square, said('C'))],
      [1, 3, 1065, 1398, 1267, ...image, 1067, 4],
    ],
    [
      [system(said('A B')), user(square, square, said('C')), assistant('D'), user(square, said('E'), square)],
      [1, 3, ...image, ...image, 1067, 4, 1068, 2, 3, 1065, 1398, 1267, ...image, 1069, ...image, 4],
    ],
    [
      [user(said('A'), square, said('B'), said('C'), square, said('D'), said('E'))],
      [1, 3, 1065, ...image, 1066, 1267, 1067, ...image, 1068, 1267, 1069, 4],
    ],
    [
      [system(said('You are a helpful assistant.')), user(said('Hello'))],
      [1, 3, 4568, 1584, 1261, 20351, 27089, 1338, 22177, 4],
    ],
  ];
  for (const [messages, ids] of expected) assert.deepEqual(idsOf(messages), ids);
});

test('a 25x19 image and one sentence take 506 ids', () => {
  const ids = idsOf([user(picture(25, 19), said('Describe each image in one short sentence.'))]);
  assert.equal(ids.length, 506);
  assert.deepEqual(ids.slice(-10), [5847, 13089, 2744, 3937, 1294, 1925, 4958, 19286, 1046, 4]);
});

test('each image is a run of its own, between runs of ids', () => {
  const runs = encodePrompt([user(said('a'), picture(3, 2), picture(1, 1), said('b'))], pixtral);
  assert.deepEqual(
    runs.map(({ kind, ids }) => [kind, ids]),
    [
      ['ids', [1, 3, 1097]],
      ['image', [10, 10, 10, 12, 10, 10, 10, 13]],
      ['image', [10, 13]],
      ['ids', [1098, 4]],
    ],
  );
});

test('no text of a message becomes a control token', () => {
  const look = fc.constantFrom(
    '[INST]',
    '[/INST]',
    '</s>',
    '<s>',
    '[IMG]',
    '[IMG_END]',
    '[SYSTEM_PROMPT]',
    'a',
    ' ',
    '\n',
  );
  const text = fc.array(look, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.constantFrom(...tokenizerVersions), text, text, text, (version, prompt, question, answer) => {
      const messages = [system(said(prompt)), user(said(question)), assistant(answer), user(said(question))];
      const controls = idsOf(messages, tekken(version)).filter((id) => id < 1000);
      const settings = version === 'v15' ? [37, 38] : [];
      const expected = version === 'v3' ? [1, 3, 4, 2, 3, 4] : [1, 17, 18, ...settings, 3, 4, 2, 3, 4];
      assert.deepEqual(controls, expected);
    }),
  );
});
