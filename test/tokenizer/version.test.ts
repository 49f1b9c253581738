import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type VersionHints, tellVersion } from '../../src/tokenizer/version.ts';
import { tekken } from '../helpers/tekken.ts';

const { controls } = tekken('v15').vocabulary;
const told = (hints: VersionHints, names = controls): string =>
  tellVersion(hints, { controls: names, where: 'x' }).version;

test('a chat template tells the version by the control tokens that it prints', () => {
  const versions = {
    '[INST]{{ content }}[/INST]': 'v3',
    'mistral-v3-tekken': 'v3',
    'mistral-v7-tekken': 'v7',
    '[SYSTEM_PROMPT][/SYSTEM_PROMPT][INST][TOOL_RESULTS]x[TOOL_CONTENT]': 'v7',
    '[SYSTEM_PROMPT][/SYSTEM_PROMPT][INST][TOOL_CALLS] [{]': 'v7',
    '[INST][TOOL_CALLS][{]': 'v3',
    '[SYSTEM_PROMPT][INST][TOOL_CALLS]x[CALL_ID]y[ARGS][TOOL_RESULTS]x[TOOL_CONTENT]': 'v11',
    '[SYSTEM_PROMPT][INST][TOOL_CALLS]x[ARGS][TOOL_RESULTS]y': 'v13',
    '[SYSTEM_PROMPT][INST][THINK][/THINK]': 'v13',
    '[SYSTEM_PROMPT][INST][MODEL_SETTINGS]{}[/MODEL_SETTINGS]': 'v15',
  };
  for (const [chatTemplate, version] of Object.entries(versions)) assert.equal(told({ chatTemplate }), version);
});

test('a template without tools leaves v7, v11 and v13 open where the tokenizer knows [ARGS]', () => {
  const chatTemplate = '[SYSTEM_PROMPT][/SYSTEM_PROMPT][INST]';
  assert.equal(told({ chatTemplate }), 'v7-v13');
  assert.equal(told({ chatTemplate }, [...tekken('v7').vocabulary.controls]), 'v7');
});

test("settings of v15 are read from templates in the words of mistral-common's own", () => {
  const template = (lines: string): string => `[INST][MODEL_SETTINGS]${lines}[/MODEL_SETTINGS]`;
  const settings = (chatTemplate: string) => tellVersion({ chatTemplate }, { controls, where: 'x' }).settings;
  const efforts = "{%- set reasoning_effort = 'none' %}{%- if reasoning_effort not in ['none', 'high'] %}";
  const reasoningEffort = { values: ['none', 'high'], default: 'none' };
  assert.deepEqual(settings(template(efforts)), { reasoningEffort, jsonSchema: false });
  assert.deepEqual(settings(template(`${efforts}{{ response_format }}`)), { reasoningEffort, jsonSchema: true });
  assert.deepEqual(settings(template('{{ response_format }}')), { reasoningEffort: undefined, jsonSchema: true });
  assert.throws(() => settings(template('{{ reasoning_effort }}')), { code: 'model', message: /efforts of reasoning/ });
});

test('what cannot be told is refused with a remedy', () => {
  const open: [hints: VersionHints, names: readonly string[], message: RegExp][] = [
    [{}, controls, /no chat template, and may be of v13 or of v15/],
    [{ chatTemplate: '[INST][THINK][CALL_ID][ARGS]' }, controls, /tools out as v11 does, and thoughts as v13/],
    [{ chatTemplate: '[INST][MODEL_SETTINGS]' }, tekken('v11').vocabulary.controls.slice(0, 37), /\[MODEL_SETTINGS\]/],
    [{ chatTemplate: '<|im_start|>{{ role }}' }, controls, /is none of Mistral's/],
  ];
  for (const [hints, names, message] of open) {
    assert.throws(() => told(hints, [...names]), { code: 'model', message, hint: /tekken\.json/ });
  }
});

test('without a template the control tokens and the image sizes tell', () => {
  const merging = { patchSize: 14, maxImageSize: 1540, spatialMergeSize: 2 };
  const frozen = tekken().vocabulary.controls;
  assert.equal(told({}, [...frozen]), 'v3');
  assert.equal(told({ image: merging }, [...frozen]), 'v7');
  assert.equal(told({}, [...frozen, '[ARGS]', '[CALL_ID]']), 'v7-v13');
});
