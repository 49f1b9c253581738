import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessVersion } from '../../src/tokenizer/version.ts';
import { tekken } from '../helpers/tekken.ts';

test('a chat template tells the version by the control tokens that it prints', () => {
  const controls = tekken('v13').vocabulary.controls;
  const guesses = {
    '[INST]{{ content }}[/INST]': 'v3',
    'mistral-v3-tekken': 'v3',
    'mistral-v7-tekken': 'v7',
    '[SYSTEM_PROMPT][/SYSTEM_PROMPT][INST]': 'v7',
    '[SYSTEM_PROMPT][TOOL_CALLS]x[CALL_ID]y[ARGS]': 'v11',
    '[SYSTEM_PROMPT][TOOL_CALLS]x[ARGS]': 'v13',
  };
  for (const [chatTemplate, version] of Object.entries(guesses)) {
    assert.equal(guessVersion({ chatTemplate }, controls), version, chatTemplate);
  }
});

test('without a template the control tokens and the image sizes tell', () => {
  const merging = { patchSize: 14, maxImageSize: 1540, spatialMergeSize: 2 };
  const { controls } = tekken().vocabulary;
  assert.equal(guessVersion({}, controls), 'v3');
  assert.equal(guessVersion({ image: merging }, controls), 'v7');
  assert.equal(guessVersion({}, [...controls, '[ARGS]', '[CALL_ID]']), 'v11');
  assert.equal(guessVersion({}, tekken('v13').vocabulary.controls), 'v13');
});
