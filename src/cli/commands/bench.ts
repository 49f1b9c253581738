import { Command } from 'commander';
import type { EngineOptions } from '../../engine/engine-options.ts';
import { lineProgress } from '../../output/line-progress.ts';
import { noteLine } from '../../output/note.ts';
import type { Io } from '../io.ts';
import { namedModel } from '../named-model.ts';
import { modelOptions, outputOptions, runtimeOptions } from '../options.ts';
import { trialFolder } from '../user-cache.ts';
import { printableLine } from '../../output/printable.ts';

interface BenchFlags extends Pick<EngineOptions, 'gpu' | 'gpuLayers' | 'threads' | 'cacheType' | 'batchSize'> {
  model?: string;
  mmproj?: string;
  quick?: boolean;
  json?: boolean;
  verbose?: boolean;
}

export function benchCommand(io: Io): Command {
  const command = new Command('bench')
    .description('Measure each stage of an answer with your model on this machine.')
    .option('--quick', 'fewer tokens, and no stage that takes long: seconds instead of minutes');
  const runtime = runtimeOptions().filter(({ long }) => long !== '--context');
  for (const option of [...modelOptions(), ...runtime, ...outputOptions()]) command.addOption(option);
  return command.addHelpText('after', notes).action((flags: BenchFlags) => run(flags, io));
}

const notes = `
Beside the rates of writing stands what the memory allows: what a plain copy moves in a second over the bytes that a step
reads. Close what else is busy; each stage is measured once. Stages that would take over two minutes are left out.

Examples:
  pixtral bench
  pixtral bench --model demo --quick
  pixtral bench --json | jq '.stages[] | {name, per_second}'`;

async function run(flags: BenchFlags, io: Io): Promise<void> {
  const { resolveModel } = await import('../../engine/runtime/resolve.ts');
  const { bench } = await import('../../engine/bench/bench.ts');
  const { benchJson, benchText } = await import('../../output/bench.ts');
  const { jsonLine } = await import('../../wires/json.ts');
  const { gpu, gpuLayers, threads, cacheType, batchSize, json = false } = flags;
  const named = await namedModel(flags, io);
  const { notice, ...paths } = await resolveModel(named);
  if (notice !== undefined) io.stderr.write(noteLine(notice, { json }));
  const progress = lineProgress(io.stderr, { quiet: json });
  try {
    const report = await bench({
      ...paths,
      gpu,
      gpuLayers,
      threads,
      cacheType,
      batchSize,
      verdictFolder: named.verdictFolder,
      trialFolder: notice === undefined ? trialFolder(io) : undefined, // the demo is our own
      onNotice: named.onNotice,
      ...(flags.verbose === true && { onLog: (line: string) => io.stderr.write(`${printableLine(line)}\n`) }),
      quick: flags.quick === true,
      onStage: (stage) => progress.update(stage),
      signal: io.signal,
    });
    progress.stop();
    io.stdout.write(json ? jsonLine(benchJson(report)) : benchText(report));
  } finally {
    progress.stop();
  }
}
