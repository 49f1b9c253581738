import { Command } from 'commander';
import { exitCodes } from '../../base/errors.ts';
import type { EngineOptions } from '../../engine/engine-options.ts';
import type { Io } from '../io.ts';
import { namedModel } from '../named-model.ts';
import { defaults, modelOptions, outputOptions, runtimeOptions } from '../options.ts';

interface DoctorFlags {
  model?: string;
  mmproj?: string;
  gpu: EngineOptions['gpu'];
  context: number | 'auto';
  cacheType: string;
  batchSize: number;
  json?: boolean;
}

export function doctorCommand(io: Io, outcome: { exitCode: number }): Command {
  const command = new Command('doctor').description(
    'Check the runtime: build, symbols, devices, memory, whether GPUs compute rightly and a model fits. Exits 1 when something is wrong.',
  );
  for (const option of [...modelOptions(), ...runtimeOptions(), ...outputOptions()]) command.addOption(option);
  return command.action(async (flags: DoctorFlags) => {
    const { resolveModel } = await import('../../engine/runtime/resolve.ts');
    const { diagnose } = await import('../../engine/runtime/doctor.ts');
    const named = await namedModel(flags, io);
    const diagnosis = await diagnose({
      gpu: flags.gpu,
      verdictFolder: named.verdictFolder,
      signal: io.signal,
      paths: named.model === undefined ? undefined : await resolveModel(named),
      contextSize: flags.context === 'auto' ? defaults.doctorContext : flags.context,
      cacheType: flags.cacheType,
      batchSize: flags.batchSize,
    });
    const { diagnosisText } = await import('../../output/diagnosis.ts');
    const { jsonLine } = await import('../../wires/json.ts');
    io.stdout.write(flags.json === true ? jsonLine({ ...diagnosis }) : diagnosisText(diagnosis));
    if (diagnosis.problems.length > 0) outcome.exitCode = exitCodes.failed;
  });
}
