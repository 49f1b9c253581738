import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellSchema } from '../../src/prompt/tell-schema.ts';
import { tokenizerVersions } from '../../src/tokenizer/tekken.ts';

const text = (words: string) => ({ kind: 'text' as const, text: words });

for (const version of tokenizerVersions) {
  test(`${version}: the form stands behind the last question, and nothing else changes`, () => {
    const image = { kind: 'image' as const, image: 'a.png' };
    const messages = [
      { role: 'user' as const, content: [text('first')] },
      { role: 'assistant' as const, content: [text('yes')] },
      { role: 'user' as const, content: [image, text('second')] },
    ];
    const told = tellSchema(messages, { form: '{"a": number}', version });
    assert.deepEqual(told.slice(0, 2), messages.slice(0, 2));
    assert.deepEqual(told[2]!.content, [image, text('second\n\nAnswer in JSON of this form:\n{"a": number}')]);
    const bare = tellSchema([{ role: 'user', content: [image] }], { form: 'any', version });
    assert.deepEqual(bare[0]!.content, [image, text('Answer in JSON of this form:\nany')]);
  });
}
