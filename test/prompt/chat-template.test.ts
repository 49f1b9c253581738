import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { chatTemplate } from '../../src/prompt/chat-template.ts';
import { type TokenizerVersion, tokenizerVersions } from '../../src/tokenizer/tekken.ts';
import { tellVersion } from '../../src/tokenizer/version.ts';
import { tekken } from '../helpers/tekken.ts';

const printed = (template: string): string[] => [
  ...new Set(template.replaceAll(/\{#.*?#\}/gs, '').match(/\[\/?[A-Z_]+\]/g)),
];
const inOwnTurn = ['[IMG]', '[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]', '[INST]', '[/INST]'];

test('a template prints the control tokens of its layout and no others', () => {
  assert.deepEqual(printed(chatTemplate(tekken('v3'))), ['[IMG]', '[INST]', '[/INST]']);
  assert.deepEqual(printed(chatTemplate(tekken('v7'))), inOwnTurn);
  assert.deepEqual(new Set(printed(chatTemplate(tekken('v13')))), new Set([...inOwnTurn, '[THINK]', '[/THINK]']));
  assert.deepEqual(
    new Set(printed(chatTemplate(tekken('v15')))),
    new Set([...inOwnTurn, '[THINK]', '[/THINK]', '[MODEL_SETTINGS]', '[/MODEL_SETTINGS]']),
  );
});

test('the layout of a file that we wrote is recognised by its template alone', () => {
  const { controls } = tekken('v13').vocabulary;
  const told = { v3: 'v3', v7: 'v7-v13', v11: 'v7-v13', v13: 'v13' } satisfies Partial<
    Record<TokenizerVersion, string>
  >;
  for (const [version, expected] of Object.entries(told) as [keyof typeof told, string][]) {
    const template = chatTemplate(tekken(version));
    assert.equal(tellVersion({ chatTemplate: template }, { controls, where: 'x' }).version, expected);
  }
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
  for (const version of ['v3', 'v7', 'v13', 'v15'] as const) {
    const path = new URL(`../../fixtures/tokenizer/${version}.jinja`, import.meta.url);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, chatTemplate(tekken(version)));
    assert.equal(chatTemplate(tekken(version)), readFileSync(path, 'utf8'), version);
  }
  assert.equal(chatTemplate(tekken('v11')), chatTemplate(tekken('v7')));
});
