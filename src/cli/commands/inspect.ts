import { Command } from 'commander';
import type { Io } from '../io.ts';
import { outputOptions } from '../options.ts';

export function inspectCommand(io: Io): Command {
  const command = new Command('inspect')
    .description('Show what a checkpoint folder or a GGUF file holds.')
    .argument('<path>', 'checkpoint folder, converted folder or .gguf file')
    .option('--tensors', 'list every tensor');
  for (const option of outputOptions()) command.addOption(option);
  return command.action(async (path: string, flags: { tensors?: boolean; json?: boolean }) => {
    const { inspect } = await import('../../convert/inspect.ts');
    const { tensors, ...summary } = await inspect(path);
    const { inspectionText } = await import('../../output/inspection.ts');
    const { jsonLine } = await import('../../output/json.ts');
    const listed = flags.tensors === true ? tensors : undefined;
    io.stdout.write(
      flags.json === true
        ? jsonLine({ ...summary, ...(listed && { tensors: listed }) })
        : inspectionText(summary, listed),
    );
  });
}
