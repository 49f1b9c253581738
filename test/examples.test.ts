import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { cli } from './helpers/cli.ts';

const example = (path: string): string => fileURLToPath(new URL(`../examples/${path}`, import.meta.url));
const skip = process.platform === 'win32' ? 'no shell here' : false;

let scratch: string;
before(() => {
  scratch = mkdtempSync(join(tmpdir(), 'pixtral-examples-'));
  program(
    'pixtral',
    'trap "kill \\$!; echo finished; exit 143" TERM',
    'echo "$@"',
    '[ -z "$CODE" ] || exit "$CODE"',
    'sleep 60 & wait',
  );
  program('scontrol', 'echo scontrol "$@"');
});
after(() => rmSync(scratch, { recursive: true, force: true }));

function program(name: string, ...lines: string[]): void {
  writeFileSync(join(scratch, name), ['#!/bin/bash', ...lines, ''].join('\n'));
  chmodSync(join(scratch, name), 0o755);
}

interface Container {
  args: [string];
}
const job = parse(readFileSync(example('kubernetes/answer.yaml'), 'utf8')) as {
  spec: { completions: number; template: { spec: { containers: [Container] } } };
};
const pod = job.spec.template.spec.containers[0].args[0];

const array = { SLURM_ARRAY_TASK_ID: '3', SLURM_ARRAY_JOB_ID: '77', SLURM_CPUS_PER_TASK: '4' };
const scripts = {
  slurm: { words: ['bash', example('slurm/answer.sbatch')], env: { ...array, RECORDS: 'records.jsonl' }, part: '3/8' },
  kubernetes: { words: ['sh', '-c', pod], env: { JOB_COMPLETION_INDEX: '7' }, part: '8/8' },
};
const environment = (env: Record<string, string>) => ({
  ...process.env,
  PATH: `${scratch}${delimiter}${process.env['PATH']}`,
  ANSWERS: scratch,
  ...env,
});

for (const [name, { words, env, part }] of Object.entries(scripts)) {
  const [shell, ...rest] = words as [string, ...string[]];
  test(`${name}: each part has its own file, and records that failed are no failure of the job`, { skip }, async () => {
    for (const [code, status] of [
      [0, 0],
      [6, 0],
      [4, 4],
    ]) {
      const run = spawnSync(shell, rest, { encoding: 'utf8', env: environment({ ...env, CODE: String(code) }) });
      assert.equal(run.status, status, run.stderr);
      assert.match(run.stdout, new RegExp(`^batch --records .*--shard ${part} .*-o .*answers-\\d\\.jsonl`));
    }
    const help = await cli(['batch', '--help']);
    for (const [option] of pod.matchAll(/--[a-z]+/g)) assert.ok(help.stdout.includes(option), option);
  });

  test(
    `${name}: a signal that announces the end is passed on, and the records in work are waited for`,
    { skip },
    async () => {
      const run = spawn(shell, rest, { stdio: ['ignore', 'pipe', 'inherit'], env: environment({ ...env, CODE: '' }) });
      let output = '';
      run.stdout.on('data', (part: Buffer) => {
        if (output === '') run.kill('SIGTERM');
        output += part.toString();
      });
      const [code] = await once(run, 'close');
      assert.equal(code, 143);
      assert.match(output, /\nfinished\n/);
      assert.equal(output.includes('scontrol requeue 77_3'), name === 'slurm');
    },
  );
}

test('the number of parts is that of the pods', () => {
  assert.ok(pod.includes(`/${job.spec.completions}"`));
});
