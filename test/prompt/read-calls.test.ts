import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePrompt } from '../../src/prompt/encode.ts';
import type { ToolCall } from '../../src/prompt/message.ts';
import { readCalls } from '../../src/prompt/read-calls.ts';
import { tokenizerVersions } from '../../src/tokenizer/tekken.ts';
import { said, user } from '../helpers/tekken-conversations.ts';
import { tekken } from '../helpers/tekken.ts';

const calls: ToolCall[] = [
  { id: 'abcdefghi', name: 'get_weather', arguments: '{"city": "[ARGS] Paris", "10": 1.0, "2": [1e5]}' },
  { id: 'ABCDEFGH1', name: 'f', arguments: '{}' },
];

test('calls that are laid out are read back as they were, but for ids that a version does not write', () => {
  for (const version of tokenizerVersions) {
    const tokenizer = tekken(version);
    const messages = [user(said('a')), { role: 'assistant', content: [], toolCalls: calls, prefix: true } as const];
    const ids = encodePrompt(messages, tokenizer).flatMap((run) => run.ids);
    const read = readCalls(ids.slice(ids.indexOf(tokenizer.id('[TOOL_CALLS]'))), tokenizer);
    const ownIds = version === 'v13' || version === 'v15';
    const expected = calls.map((call) => ({
      ...call,
      id: ownIds ? undefined : call.id,
      arguments: call.arguments.replace('1e5', '100000.0'),
    }));
    assert.deepEqual(read, expected, version);
  }
});

test('before v11 what is no whole list is no call', () => {
  const v3 = tekken('v3');
  const read = (text: string) => readCalls([v3.id('[TOOL_CALLS]'), ...v3.encode(text)], v3);
  for (const text of ['', '[]', '{}', '[{"name": "f"', '[1]', '[{"arguments": {}}]', 'f{}']) {
    assert.equal(read(text), undefined, text);
  }
  assert.deepEqual(read('[{"name": "f", "arguments": "{}"}]'), [{ id: undefined, name: 'f', arguments: '{}' }]);
});

test('from v11 on a call that was cut has as much of its arguments as there are', () => {
  const v13 = tekken('v13');
  const ids = [v13.id('[TOOL_CALLS]'), ...v13.encode('f'), v13.id('[ARGS]'), ...v13.encode('{"a": ')];
  assert.deepEqual(readCalls(ids, v13), [{ id: undefined, name: 'f', arguments: '{"a":' }]);
  assert.equal(readCalls(ids.slice(0, 1), v13), undefined);
});
