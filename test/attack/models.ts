/** `npm run attack:models -- --count 20000 --seed 1`: mutants of GGUF pairs and checkpoints, and what became of them. */
import { parseArgs } from 'node:util';
import { type AttackOptions, attack } from './attack.ts';

export const modelAttack: Pick<AttackOptions, 'worker' | 'isRight'> = {
  worker: new URL('model-worker.ts', import.meta.url),
  isRight: (outcome, text) =>
    outcome === 'answered' ||
    outcome === 'model' ||
    (outcome === 'input' && /context/.test(text)) || // of a few tokens
    (outcome === 'machine' && /its logits are no numbers/.test(text)), // weights beyond any measure
};

if (process.argv[1]?.endsWith('models.ts')) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      processes: { type: 'string', default: '2' },
    },
  });
  const [count, seed, from, processes] = [values.count, values.seed, values.from, values.processes].map(Number);
  const start = performance.now();
  const { findings, ...summary } = await attack({
    ...modelAttack,
    seed: seed!,
    from: from!,
    count: count!,
    processes: processes!,
    patienceSeconds: 10,
    onProgress: (done) => {
      if (done % 500 === 0) process.stderr.write(`${done} of ${count}\n`);
    },
  });
  const seconds = Math.round((performance.now() - start) / 1000);
  for (const { index, fault, what, text } of findings) {
    process.stdout.write(
      `${fault}: --seed ${seed} --from ${index} --count 1: ${what}\n  ${text.replaceAll('\n', '\n  ')}\n`,
    );
  }
  const faults: Record<string, number> = { 'native crash': 0, hang: 0, trace: 0, 'wrong exit code': 0 };
  for (const { fault } of findings) faults[fault]!++;
  process.stdout.write(`${JSON.stringify({ seed, from, ...summary, faults, seconds }, undefined, 2)}\n`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}
