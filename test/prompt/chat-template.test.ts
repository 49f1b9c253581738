import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Template } from '@huggingface/jinja';
import { chatTemplate } from '../../src/prompt/chat-template.ts';
import { type TokenizerVersion, tokenizerVersions } from '../../src/tokenizer/tekken.ts';
import { tellVersion } from '../../src/tokenizer/version.ts';
import { parseExactJson } from '../../src/base/exact-json.ts';
import { layOut } from '../../src/prompt/lay-out.ts';
import type { Message, ToolCall } from '../../src/prompt/message.ts';
import { readTools } from '../../src/prompt/read-tools.ts';
import { type Grid, assistant, picture, said, system, user } from '../helpers/tekken-conversations.ts';
import type { Chat, ChatMessage, Chats, Part } from '../helpers/chats.ts';
import { golden, tekken } from '../helpers/tekken.ts';

const printed = (template: string): string[] => [
  ...new Set(template.replaceAll(/\{#.*?#\}/gs, '').match(/\[\/?[A-Z_]+\]/g)),
];
const everywhere = ['[IMG]', '[INST]', '[/INST]'];
const tools = ['[AVAILABLE_TOOLS]', '[/AVAILABLE_TOOLS]', '[TOOL_CALLS]', '[TOOL_RESULTS]', '[/TOOL_RESULTS]'];
const inOwnTurn = ['[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]'];
const thoughts = ['[THINK]', '[/THINK]'];

test('a template prints the control tokens of its layout and no others', () => {
  const expected: Record<TokenizerVersion, string[]> = {
    v3: [...everywhere, ...tools],
    v7: [...everywhere, ...inOwnTurn, ...tools, '[TOOL_CONTENT]'],
    v11: [...everywhere, ...inOwnTurn, ...tools, '[TOOL_CONTENT]', '[CALL_ID]', '[ARGS]'],
    v13: [...everywhere, ...inOwnTurn, ...tools, '[ARGS]', ...thoughts],
    v15: [...everywhere, ...inOwnTurn, ...tools, '[ARGS]', ...thoughts, '[MODEL_SETTINGS]', '[/MODEL_SETTINGS]'],
    'v7-v13': [...everywhere, ...inOwnTurn],
  };
  for (const version of tokenizerVersions)
    assert.deepEqual(new Set(printed(templateOf(version))), new Set(expected[version]), version);
});

test('the version of a file that we wrote is told from its template alone, but for settings', () => {
  const { controls } = tekken('v15').vocabulary;
  for (const version of ['v3', 'v7', 'v11', 'v13', 'v7-v13'] as const)
    assert.equal(tellVersion({ chatTemplate: templateOf(version) }, { controls, where: 'x' }).version, version);
});

test('every Jinja block that opens is closed', () => {
  for (const template of tokenizerVersions.map((version) => chatTemplate(tekken(version)))) {
    for (const block of ['if', 'for', 'macro']) {
      const opened = template.match(new RegExp(`\\{%- ${block} `, 'g'))?.length;
      assert.equal(template.match(new RegExp(`\\{%- end${block} `, 'g'))?.length, opened, block);
    }
  }
});

test('the templates are those that the makers of golden files rendered and found equal to their conversations', () => {
  for (const version of ['v3', 'v7', 'v11', 'v13', 'v15'] as const) {
    const path = new URL(`../../fixtures/tokenizer/${version}.jinja`, import.meta.url);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, chatTemplate(tekken(version)));
    assert.equal(chatTemplate(tekken(version)), readFileSync(path, 'utf8'), version);
  }
});

const { rows } = golden('chats') as Chats;

for (const version of ['v3', 'v7', 'v11', 'v13', 'v15'] as const) {
  test(`conversations of ${version} are rendered to the text of mistral-common's ids`, () => {
    const template = new Template(templateOf(version));
    const promised = rows.filter((row) => row.version === version && isPromised(row));
    for (const row of promised) {
      const messages = row.messages.map(openAiMessage);
      const asked = { messages, tools: row.tools && (JSON.parse(row.tools) as unknown), bos_token: '<s>' };
      const rendered = template.render({ ...asked, eos_token: '</s>' });
      assert.equal(Buffer.from(rendered).toString(), textOf(row)); // half a character is none
    }
  });
}

const weather = {
  name: 'get_weather',
  description: 'What "now" is like in Zürich',
  parameters: { type: 'object', properties: { days: { type: 'integer' }, place: { type: 'string' } } },
};
const search = { name: 'search', description: '', parameters: {} };
const callsOf = (ids: string[]): ToolCall[] => [
  { id: ids[0], name: 'get_weather', arguments: '{"place": "Zürich", "days": 3}' },
  { id: ids[1], name: 'search', arguments: '{}' },
];

for (const version of ['v3', 'v7', 'v11', 'v13', 'v15'] as const) {
  test(`tools, calls and results are laid out as we lay them out, with ${version}`, () => {
    const result = (callId: string, content: string): Message<Grid> => ({
      role: 'tool',
      content: [said(content)],
      callId,
    });
    const messages: Message<Grid>[] = [
      system(said('Be brief.')),
      user(said('and this?'), picture(1, 1)),
      { role: 'assistant', content: [], toolCalls: callsOf(['abcdefgh1', 'abcdefgh2']) },
      result('abcdefgh1', '{"sky": ["grey", 3]}'),
      result('abcdefgh2', 'no "words"\n'),
      assistant('Grey.'),
      user(said('again')),
      { role: 'assistant', content: [], toolCalls: callsOf(['abcdefgh3', 'abcdefgh4']) },
      result('abcdefgh3', '-17'),
      result('abcdefgh4', '[]'),
    ];
    const tools = [weather, search];
    const asked = tools.map((tool) => ({ type: 'function', function: tool }));
    const around = { tools: readTools(parseExactJson(JSON.stringify(asked)), 'tools') };
    const expected = layOut(messages, tekken(version), around).map((segment) =>
      segment.kind === 'control' ? segment.name : segment.kind === 'text' ? segment.text : '[IMG]',
    );
    const template = new Template(templateOf(version));
    for (const parsed of [true, false]) {
      const given = { messages: messages.map((message) => openAiForm(message, parsed)), tools: asked };
      const rendered = template.render({ ...given, bos_token: '<s>', eos_token: '</s>' });
      assert.equal(rendered, expected.join(''), parsed ? 'arguments as values' : 'arguments as texts');
    }
  });
}

function openAiForm({ role, content, toolCalls = [], callId }: Message<Grid>, parsed: boolean): object {
  const parts = content.map((chunk) => (chunk.kind === 'image' ? { type: 'image' } : { ...chunk, type: chunk.kind }));
  const calls = toolCalls.map(({ id, name, arguments: json }) => {
    return { id, type: 'function', function: { name, arguments: parsed ? (JSON.parse(json) as unknown) : json } };
  });
  return {
    role,
    content: parts.length === 0 ? null : parts,
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(callId !== undefined && { tool_call_id: callId }),
  };
}

test('a request with tools fails where it is not known how the model is told of them', () => {
  const template = new Template(templateOf('v7-v13'));
  const messages = [{ role: 'user', content: 'a' }];
  assert.equal(template.render({ messages, bos_token: '<s>', eos_token: '</s>' }), '<s>[INST]a[/INST]');
  assert.throws(() => template.render({ messages, tools: [{}], bos_token: '<s>', eos_token: '</s>' }), /not known/);
});

/** What the template does not do: join neighbours, go on with an answer, strip one, order results, parse JSON. */
function isPromised({ ids, messages, kind, effort = 'none', schema, tools = '[]' }: Chat): boolean {
  const texts = messages.map(({ content }) => (Array.isArray(content) ? content.map(wordsOf) : [content ?? undefined]));
  return (
    ids !== null &&
    (kind === undefined || kind === 'v15') &&
    effort === 'none' &&
    schema === undefined &&
    !messages.some(({ role }, at) => role !== 'system' && role !== 'tool' && role === messages[at - 1]?.role) &&
    !messages.some(({ prefix, calls = [] }) => prefix || calls.some((call) => !isPlainJson(call.arguments))) &&
    !texts.some((parts) => parts.includes('')) &&
    !messages.some(({ role }, at) => role === 'assistant' && texts[at]!.at(-1)?.endsWith(' ')) &&
    isPlainJson(tools)
  );
}

const wordsOf = (part: Part): string | undefined => ('text' in part ? part.text : undefined);

/** A list or an object; numbers have more spellings, and objects more orders of keys, than JavaScript keeps. Half a
 * character is spelled out by some. */
function isPlainJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return (
      typeof value === 'object' &&
      value !== null &&
      !/\\ud[89a-f]/.test(JSON.stringify(value)) &&
      !/"-?\d+"\s*:|\d[.eE]|-0|\d{16}/.test(text)
    );
  } catch {
    return text === '';
  }
}

function openAiMessage({ role, content, calls, call_id: id }: ChatMessage): Record<string, unknown> {
  return {
    role,
    content: Array.isArray(content) ? content.map(openAiPart) : content,
    ...(calls && { tool_calls: calls.map(openAiCall) }),
    ...(id !== undefined && { tool_call_id: id }),
  };
}

/** As values: as texts they are printed as they stand. */
function openAiCall({ id, name, arguments: json }: NonNullable<ChatMessage['calls']>[number]): Record<string, unknown> {
  return { id, function: { name, arguments: json && (JSON.parse(json) as unknown) } };
}

function openAiPart(part: Part): Record<string, unknown> {
  if ('text' in part) return { type: 'text', text: part.text };
  if ('image' in part) return { type: 'image' };
  return { type: 'thinking', thinking: part.think, closed: part.closed };
}

/** An image is one [IMG] in a template: its last id, [IMG_END], stands for all of them. */
function textOf({ ids, version }: Chat): string {
  const [img, imgBreak, imgEnd] = [10, 12, 13];
  const tokenizer = tekken(version);
  const shown = ids!.filter((id) => id !== img && id !== imgBreak).map((id) => (id === imgEnd ? img : id));
  let text = '';
  for (let at = 0; at < shown.length;) {
    const end = shown.findIndex((id, index) => index >= at && tokenizer.isControl(id));
    const run = shown.slice(at, end < 0 ? undefined : end);
    text += tokenizer.decode(run) + (end < 0 ? '' : tokenizer.vocabulary.controls[shown[end]!]!);
    at += run.length + 1;
  }
  return text;
}

function templateOf(version: TokenizerVersion): string {
  return chatTemplate(version === 'v7-v13' ? { version, settings: undefined } : tekken(version));
}
