import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { chatTemplate } from '../../src/prompt/chat-template.ts';
import { templates } from '../../src/prompt/template.ts';
import { guessVersion } from '../../src/tokenizer/version.ts';

const printed = (template: string): string[] => [
  ...new Set(template.replaceAll(/\{#.*?#\}/gs, '').match(/\[\/?[A-Z_]+\]/g)),
];

test('a template prints the control tokens of its layout and no others', () => {
  assert.deepEqual(printed(chatTemplate(templates.v3)), ['[IMG]', '[INST]', '[/INST]']);
  assert.deepEqual(printed(chatTemplate(templates.v7)), [
    '[IMG]',
    '[SYSTEM_PROMPT]',
    '[/SYSTEM_PROMPT]',
    '[INST]',
    '[/INST]',
  ]);
});

test('the layout of a file that we wrote is recognised by its template alone', () => {
  assert.equal(guessVersion({ chatTemplate: chatTemplate(templates.v3) }, []), 'v3');
  for (const version of ['v7', 'v11', 'v13'] as const) {
    assert.equal(guessVersion({ chatTemplate: chatTemplate(templates[version]) }, []), 'v7');
  }
});

test('every Jinja block that opens is closed', () => {
  for (const template of [chatTemplate(templates.v3), chatTemplate(templates.v7)]) {
    for (const block of ['if', 'for', 'macro']) {
      const opened = template.match(new RegExp(`\\{%- ${block} `, 'g'))?.length;
      assert.equal(template.match(new RegExp(`\\{%- end${block} `, 'g'))?.length, opened, block);
    }
  }
});

test('the templates are those that fixtures/tokenizer.py rendered and found equal to the golden conversations', () => {
  for (const version of ['v3', 'v7'] as const) {
    const path = new URL(`../../fixtures/tokenizer/${version}.jinja`, import.meta.url);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, chatTemplate(templates[version]));
    assert.equal(chatTemplate(templates[version]), readFileSync(path, 'utf8'), version);
  }
  assert.equal(chatTemplate(templates.v13), chatTemplate(templates.v7));
});
