import { Command } from 'commander';
import type { Io } from '../io.ts';
import { outputOptions } from '../options.ts';

interface InspectFlags {
  tensors?: boolean;
  json?: boolean;
}

export function inspectCommand(io: Io): Command {
  const command = new Command('inspect')
    .description('Show what a checkpoint folder, a converted folder or a GGUF file holds, or how two differ.')
    .argument('<path>', 'checkpoint folder, converted folder or .gguf file')
    .argument('[other]', 'another one, to compare with')
    .option('--tensors', 'list every tensor');
  for (const option of outputOptions()) command.addOption(option);
  return command
    .addHelpText(
      'after',
      `
Examples:
  pixtral inspect ~/pixtral-12b-240910 --tensors
  pixtral inspect ~/pixtral-12b-240910 ~/pixtral-12b-240910-q8_0     is it of these weights? which types?
  pixtral inspect model.gguf --json | jq .parameters`,
    )
    .action((path: string, other: string | undefined, flags: InspectFlags) =>
      other === undefined ? show(path, { flags, io }) : compare([path, other], { flags, io }),
    );
}

async function show(path: string, { flags, io }: { flags: InspectFlags; io: Io }): Promise<void> {
  const { inspect } = await import('../../convert/inspect.ts');
  const { tensors, keys: _, ...summary } = await inspect(path);
  const { inspectionText } = await import('../../output/inspection.ts');
  const { jsonLine } = await import('../../wires/json.ts');
  const listed = flags.tensors === true ? tensors : undefined;
  io.stdout.write(
    flags.json === true
      ? jsonLine({ ...summary, ...(listed && { tensors: listed }) })
      : inspectionText(summary, listed),
  );
}

async function compare([a, b]: [string, string], { flags, io }: { flags: InspectFlags; io: Io }): Promise<void> {
  const { inspect } = await import('../../convert/inspect.ts');
  const { compareInspections } = await import('../../convert/compare.ts');
  const { comparisonText } = await import('../../output/comparison.ts');
  const { jsonLine } = await import('../../wires/json.ts');
  const comparison = compareInspections(await inspect(a), await inspect(b));
  io.stdout.write(
    flags.json === true ? jsonLine(comparison) : comparisonText(comparison, { all: flags.tensors === true }),
  );
}
