import { stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { PixtralError, exitCodes } from '../../base/errors.ts';
import { type Io, onceStdin, recordsStdinBytes } from '../io.ts';
import type { MergeFlags, MergeRun } from '../jobs/run-merge.ts';
import { outputOptions } from '../options.ts';

export function batchMergeCommand(io: Io, outcome: { exitCode: number }): Command {
  const command = new Command('merge')
    .description(
      "Turn the results of batch jobs, or the lines of shards, into what one batch would have written, each record's once.",
    )
    .argument('<jobs-folder|records>', 'that pixtral batch split wrote; or the records whose shards follow')
    .argument(
      '[files...]',
      'output and error files of hosts, in any order, repeated or cut, - is standard input; or what each --shard wrote',
    )
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
      const run = { flags, io, stdin: onceStdin(io, recordsStdinBytes) };
      const without = (await isFile(folder))
        ? await (await import('../jobs/run-merge-shards.ts')).runMergeShards([folder, ...paths], run)
        : await mergeJobs(folder, paths, run);
      if (without > 0) outcome.exitCode = exitCodes.partial;
    });
}

async function mergeJobs(folder: string, paths: readonly string[], run: MergeRun): Promise<number> {
  if (paths.length === 0) {
    throw new PixtralError('usage', `${folder}: there are no results to be merged, expected their files behind it`);
  }
  const { runMerge } = await import('../jobs/run-merge.ts');
  return runMerge(folder, paths, run);
}

/** Of a pipe too, `<(...)`. */
async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !found.isDirectory();
}

const notes = `
Lines are in the order of the records, OpenAI's records in OpenAI's form. With -o the same command takes in results that
came later. Never believed, and named: custom_ids of another job, answers to what has changed since, lines that are cut.
Two different answers to one request are a failure of that record. Answers with a form are checked: JSON by its schema.

Shards: what pixtral batch --shard i/n -o has written, in any order, as one file in the order of the records; without the records
first, in that of the files. A last line that a lost node has left half written is passed over, an answer wins over a failure, what
no shard has answered is named. Two answers to different questions are refused: the files are of two jobs.

Exit code 6: merged, but some records have no answer: pixtral batch split --left writes jobs of those.

Examples:
  pixtral batch merge jobs results/*.jsonl errors/*.jsonl -o answers.jsonl
  pixtral batch merge records.jsonl answers/answers-*.jsonl -o answers.jsonl
  jq -c 'select(.error) | [.id, .error.message]' answers.jsonl`;
