import { Command, Option } from 'commander';
import { exitCodes } from '../../base/errors.ts';
import { shardIn } from '../batch/select.ts';
import { formatOptions } from '../format-options.ts';
import { type Io, onceStdin, recordsStdinBytes } from '../io.ts';
import type { SplitFlags } from '../jobs/run-split.ts';
import { namedModel } from '../named-model.ts';
import {
  batchOptions,
  bytesIn,
  defaults,
  numberIn,
  outputOptions,
  promptPictureOptions,
  samplingOptions,
} from '../options.ts';

export function batchSplitCommand(io: Io, outcome: { exitCode: number }): Command {
  const command = new Command('split')
    .description("Write job files for OpenAI's and Mistral's batch APIs or vllm run-batch in place of answering.")
    .argument('[pictures...]', 'one record each, as for batch');
  const groups = {
    'Jobs:': [
      new Option('--for <host>', 'who runs them').choices(['openai', 'mistral', 'vllm']).makeOptionMandatory(),
      new Option('-m, --model <name>', 'as the host calls it').makeOptionMandatory(),
      new Option(
        '-o, --output <folder>',
        'for the jobs and their manifest; go on where an earlier run ended',
      ).makeOptionMandatory(),
      new Option('--by-url', 'leave pictures behind URLs there: the host fetches them, unseen by us'),
      new Option('--pixels-for <model>', "installed model whose grid pictures are resized to (default: Pixtral-12B's)"),
      new Option('--job-lines <n>', 'records of a job, at most')
        .argParser(numberIn({ min: 1, max: 1e6, integer: true }))
        .default(defaults.jobLines),
      new Option('--job-size <size>', 'bytes of a job, at most').argParser(bytesIn).default(defaults.jobBytes, '200MB'),
      new Option('--left <file>', 'only what this file of answers does not answer: missing, failed or changed'),
    ],
    'Records:': batchOptions(shardIn),
    'Pictures:': promptPictureOptions(),
    'Answers:': formatOptions(),
    'Sampling, where a record does not say it itself:': samplingOptions(),
    'Output:': [
      new Option('--retry-failed', 'try records again that could not be written'),
      ...outputOptions('one JSON line instead of paths'),
      new Option('-q, --quiet', 'neither progress nor summary on stderr'),
    ],
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command.addHelpText('after', notes).action(async (words: string[], flags: SplitFlags) => {
    const { runSplit } = await import('../jobs/run-split.ts');
    const image = await pixelsFor(flags, io);
    const failed = await runSplit(words, { flags, io, image, stdin: onceStdin(io, recordsStdinBytes) });
    if (failed > 0) outcome.exitCode = exitCodes.partial;
  });
}

async function pixelsFor({ pixelsFor: model }: SplitFlags, io: Io) {
  if (model === undefined) return defaults.image;
  const { modelImageConfig } = await import('../../engine/tokens.ts');
  return modelImageConfig(await namedModel({ model }, io));
}

const notes = `
Pictures travel as the model sees them: upright, on white, sRGB, resized to its grid, as PNG. Jobs have at most 50,000
lines and 200 MB, the limits of OpenAI's; each is there whole or not at all, and its path is printed. What one record
asks and the host cannot do (--grammar, --top-k, ...) costs only that record, as a bad picture does.

The folder's manifest.jsonl says which record each custom_id is: keep it for pixtral batch merge. The same command goes
on after a kill, and takes in what is new or has changed.

Examples:
  pixtral batch split scans/ -p "Describe {name}" --for mistral --model pixtral-12b-2409 -o jobs
  pixtral batch split --records questions.jsonl --schema receipt.json --for openai --model gpt-4o -o jobs
  pixtral batch split scans/ -p "Describe {name}" --for vllm --model mistralai/Pixtral-12B-2409 -o jobs
  vllm run-batch -i jobs/job-0001.jsonl -o results.jsonl --model mistralai/Pixtral-12B-2409
  pixtral batch merge jobs results.jsonl -o answers.jsonl
  pixtral batch split scans/ -p "Describe {name}" --for vllm --model ... -o jobs --left answers.jsonl`;
