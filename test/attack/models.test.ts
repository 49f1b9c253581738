import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attack } from './attack.ts';
import { modelAttack } from './models.ts';

test('mutants of pairs and checkpoints are answered for or refused: no crash, no hang, no trace, no other exit code', async () => {
  const which = { seed: 7, from: 0, count: 80, processes: 1, patienceSeconds: 300 };
  const { findings, outcomes, mutants } = await attack({ ...modelAttack, ...which });
  assert.deepEqual(findings, []);
  assert.equal(mutants, 80);
  assert.ok(outcomes['model']! > 20 && outcomes['answered']! > 5, JSON.stringify(outcomes));
});
