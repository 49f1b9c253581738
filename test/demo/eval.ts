/**
 * How well the demonstration model sees: fresh held-out scenes, asked with `pixtral batch`, scored by exact comparison.
 *
 *   PYTHON=<python with Pillow> npm run eval:demo -- --seed 7 [--count 500] [--type f32] [--wrong] [--torch answers.json]
 *
 * --wrong lists the wrong answers; --torch compares with what `train.py --init models/demo --evaluate 500 --seed 7 --answers` said.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { demoCheckpoint } from '../../src/engine/runtime/demo.ts';
import { table } from '../../src/output/table.ts';
import { type Scene, readScenes } from './scenes.ts';

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '500' },
    type: { type: 'string', default: 'f32' },
    checkpoint: { type: 'string', default: demoCheckpoint },
    wrong: { type: 'boolean', default: false },
    torch: { type: 'string' },
  },
});

const folder = await mkdtemp(join(tmpdir(), 'pixtral-demo-'));
try {
  const world = fileURLToPath(new URL('../../fixtures/demo/world.py', import.meta.url));
  execFileSync(process.env['PYTHON'] ?? 'python3', [world, folder, '--seed', flags.seed, '--count', flags.count]);
  const scenes = readScenes(folder);
  const answers = await ask(scenes);
  process.stdout.write(table(scored(scenes, answers)));
  if (flags.wrong) listWrong(scenes, answers);
  if (flags.torch !== undefined) compareTorch(answers, JSON.parse(await readFile(flags.torch, 'utf8')) as string[]);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function ask(scenes: readonly Scene[]): Promise<string[]> {
  const [model, output] = [join(folder, 'model'), join(folder, 'answers.jsonl')];
  pixtral('convert', flags.checkpoint, '--out', model, '--type', flags.type);
  const exact = [
    '--temperature',
    '0',
    '--max-tokens',
    '200',
    '--cache-type',
    'f32',
    '--gpu',
    'off',
    '--no-cache',
    '--on-loop',
    'off',
  ];
  pixtral('batch', '--records', join(folder, 'scenes.jsonl'), '--model', model, '-o', output, ...exact);
  const lines = (await readFile(output, 'utf8')).trimEnd().split('\n');
  const said = new Map(
    lines.map((line) => JSON.parse(line) as { id: number; text: string }).map((line) => [line.id, line.text]),
  );
  return scenes.map(({ id }) => said.get(id) ?? '');
}

function pixtral(...words: string[]): void {
  const entry = fileURLToPath(new URL('../../src/cli/run.ts', import.meta.url));
  execFileSync(process.execPath, ['--import', 'tsx', entry, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function scored(scenes: readonly Scene[], answers: readonly string[]): string[][] {
  const kinds = [...new Set(scenes.map(({ kind }) => kind))].sort();
  const share = (results: readonly boolean[]): string =>
    `${((100 * results.filter(Boolean).length) / Math.max(1, results.length)).toFixed(1)} %`;
  const rows = kinds.map((kind) => {
    const results = scenes.flatMap((scene, index) => (scene.kind === kind ? [answers[index] === scene.answer] : []));
    return [kind, share(results), `of ${results.length}`];
  });
  const valid = scenes.flatMap(({ kind }, index) => (kind === 'json' ? [isJson(answers[index] ?? '')] : []));
  const all = scenes.map(({ answer }, index) => answers[index] === answer);
  return [...rows, ['valid JSON', share(valid), `of ${valid.length}`], ['all', share(all), `of ${all.length}`]];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function listWrong(scenes: readonly Scene[], answers: readonly string[]): void {
  for (const [index, { images, kind, prompt, answer }] of scenes.entries()) {
    if (answers[index] === answer) continue;
    process.stdout.write(`${images.join(' ')} | ${kind} | ${prompt} | ${answer} | ${answers[index]}\n`);
  }
}

function compareTorch(answers: readonly string[], theirs: readonly string[]): void {
  const same = answers.filter((answer, index) => answer === theirs[index]).length;
  process.stdout.write(`the same answer in PyTorch: ${((100 * same) / answers.length).toFixed(1)} %\n`);
}
