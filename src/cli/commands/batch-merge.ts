import { Command, Option } from 'commander';
import { exitCodes } from '../../base/errors.ts';
import { type Io, onceStdin, recordsStdinBytes } from '../io.ts';
import type { MergeFlags } from '../jobs/run-merge.ts';
import { outputOptions } from '../options.ts';

export function batchMergeCommand(io: Io, outcome: { exitCode: number }): Command {
  const command = new Command('merge')
    .description("Turn the results of batch jobs into the lines that batch would have written, each record's once.")
    .argument('<jobs-folder>', 'that pixtral batch split wrote')
    .argument('<result-files...>', 'output and error files, in any order, repeated or cut; - is standard input')
    .addOption(
      new Option('-o, --output <file>', 'go on where an earlier merge into this file has ended; - is standard output'),
    )
    .addOption(new Option('--output-dir <folder>', 'one .txt for each answer too; lines go to batch.jsonl in it'));
  for (const option of outputOptions('messages on stderr as JSON; with --output-dir .json files instead of .txt')) {
    command.addOption(option);
  }
  return command
    .addOption(new Option('-q, --quiet', 'no notes and no summary on stderr'))
    .addHelpText('after', notes)
    .action(async (folder: string, paths: string[], flags: MergeFlags) => {
      const { runMerge } = await import('../jobs/run-merge.ts');
      const without = await runMerge(folder, paths, { flags, io, stdin: onceStdin(io, recordsStdinBytes) });
      if (without > 0) outcome.exitCode = exitCodes.partial;
    });
}

const notes = `
Lines are in the order of the records, OpenAI's records in OpenAI's form. With -o the same command takes in results that
came later. Never believed, and named: custom_ids of another job, answers to what has changed since, lines that are cut.
Two different answers to one request are a failure of that record. Answers with a form are checked: JSON by its schema.

Exit code 6: merged, but some records have no answer: pixtral batch split --left writes jobs of those.

Examples:
  pixtral batch merge jobs results/*.jsonl errors/*.jsonl -o answers.jsonl
  jq -c 'select(.error) | [.id, .error.message]' answers.jsonl`;
