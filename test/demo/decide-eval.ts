/**
 * How sure the demonstration model is, and how right: closed questions about fresh held-out scenes through `pixtral batch`,
 * the first 200 for calibration, the others for the figures.
 *
 *   npm run build && PYTHON=<python with Pillow> npm run eval:decide -- [--seed 7] [--count 1000]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type LabelledReading, atTemperature, calibrate, reliability } from '../../src/asking/decisions/calibration.ts';
import { table } from '../../src/output/table.ts';
import { type Scene, readScenes } from './scenes.ts';

const { values: flags } = parseArgs({
  options: { seed: { type: 'string', default: '7' }, count: { type: 'string', default: '1000' } },
});
const forCalibration = 200;
const wanted = Number(flags.count) + forCalibration;

const colors = ['red', 'green', 'blue', 'yellow', 'orange', 'purple', 'pink', 'black'];
const shapes = ['circle', 'square', 'triangle', 'star', 'diamond', 'cross'];
const rows = ['top left', 'top', 'top right', 'left', 'center', 'right', 'bottom left', 'bottom', 'bottom right'];
/** Kinds of questions with answers that can be listed; a scene belongs to the first whose options hold its answer. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  'yes or no': ['yes', 'no'],
  color: colors,
  shape: shapes,
  size: ['small', 'big'],
  position: rows,
  count: Array.from({ length: 10 }, (_, number) => String(number)),
  which: ['the first', 'the second', 'both have the same number'],
};
const program = fileURLToPath(new URL('../../bin/pixtral.cjs', import.meta.url));
const world = fileURLToPath(new URL('../../fixtures/demo/world.py', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'pixtral-decide-'));
try {
  const count = String(Math.ceil(wanted * 2.6));
  execFileSync(process.env['PYTHON'] ?? 'python3', [world, folder, '--seed', flags.seed, '--count', count]);
  const scenes = readScenes(folder)
    .filter((scene) => kindOf(scene) !== undefined)
    .slice(0, wanted);
  if (scenes.length < wanted) throw new Error(`only ${scenes.length} scenes have closed questions`);
  const readings = await decide(scenes);
  const taught = readings.slice(0, forCalibration);
  const asked = readings.slice(forCalibration);
  const shown = [...Object.keys(kinds), undefined].map((kind) => row(kind, { taught, asked }));
  process.stdout.write(table([['kind', 'questions', 'right', 'AUROC', 'ECE', 'after calibration'], ...shown]));
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Kind {
  kind: string;
  reading: LabelledReading;
}

function kindOf({ answer, kind }: Scene): string | undefined {
  if (kind === 'word' || kind === 'number') return undefined; // print, not a count
  return Object.keys(kinds).find((name) => kinds[name]!.includes(answer));
}

async function decide(scenes: readonly Scene[]): Promise<Kind[]> {
  const records = scenes.map((scene) => {
    const options = kinds[kindOf(scene)!]!;
    const question =
      options.length === 2 && options[0] === 'yes'
        ? { type: 'predicate', instructions: scene.prompt }
        : { type: 'choice', instructions: scene.prompt, choices: options };
    return JSON.stringify({ id: scene.id, images: scene.images, questions: [question] });
  });
  const file = join(folder, 'records.jsonl');
  await writeFile(file, records.join('\n'));
  const argv = ['decide', '--model', 'demo', '--template', '{question}', '--records', file, '-q', 'unused?', '--quiet'];
  const { stdout } = spawnSync(process.execPath, [program, ...argv], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line, index) => {
      const { answers } = JSON.parse(line) as {
        answers: [{ probability?: number; probabilities?: Record<string, number> }];
      };
      const [{ probability, probabilities }] = answers;
      const kind = kindOf(scenes[index]!)!;
      const options = kinds[kind]!;
      const shares = probabilities ? options.map((option) => probabilities[option]!) : [probability!, 1 - probability!];
      return { kind, reading: { probabilities: shares, right: options.indexOf(scenes[index]!.answer) } };
    });
}

/** Of one kind, or of all: then each is calibrated by its kind. */
function row(
  kind: string | undefined,
  { taught, asked }: { taught: readonly Kind[]; asked: readonly Kind[] },
): string[] {
  const of = (all: readonly Kind[], name: string): LabelledReading[] =>
    all.filter((one) => one.kind === name).map(({ reading }) => reading);
  const names = kind === undefined ? Object.keys(kinds) : [kind];
  const before = names.flatMap((name) => of(asked, name));
  const after = names.flatMap((name) => {
    const { temperature } = calibrate(of(taught, name));
    return of(asked, name).map((reading) => ({
      ...reading,
      probabilities: atTemperature(reading.probabilities, temperature),
    }));
  });
  const measured = names.map((name) => calibrate(of(asked, name)));
  const accuracy =
    before.filter(({ probabilities, right }) => probabilities[right] === Math.max(...probabilities)).length /
    before.length;
  const areas = measured.flatMap(({ auroc }) => (auroc === undefined ? [] : [auroc]));
  const auroc = areas.reduce((sum, area) => sum + area, 0) / areas.length;
  return [
    kind ?? 'all',
    String(before.length),
    `${(100 * accuracy).toFixed(1)} %`,
    auroc.toFixed(4),
    reliability(before).error.toFixed(4),
    reliability(after).error.toFixed(4),
  ];
}
