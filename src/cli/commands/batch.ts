import { Command, Option } from 'commander';
import { PixtralError, exitCodes } from '../../base/errors.ts';
import { formatOptions } from '../format-options.ts';
import { type Io, onceStdin, recordsStdinBytes } from '../io.ts';
import {
  batchOptions,
  cacheOptions,
  modelOptions,
  numberIn,
  outputOptions,
  parallelOptions,
  speculateOption,
  promptPictureOptions,
  reasoningOptions,
  runtimeOptions,
  samplingOptions,
} from '../options.ts';
import { manyServersOptions } from '../server-flags.ts';
import type { BatchFlags } from '../batch/run-batch.ts';
import { shardIn } from '../batch/select.ts';
import { traceOptions, withTrace } from '../trace-flags.ts';
import { batchMergeCommand } from './batch-merge.ts';
import { batchSplitCommand } from './batch-split.ts';

export function batchCommand(io: Io, outcome: { exitCode: number }): Command {
  const command = new Command('batch')
    .description('Ask about many pictures with the model loaded once; JSON Lines, one for each record.')
    .usage('[options] [pictures...]')
    .argument('[pictures...]', 'one record each; @- reads a list from standard input')
    .enablePositionalOptions() // those behind split and merge are theirs
    .helpCommand(false)
    .addCommand(batchSplitCommand(io, outcome))
    .addCommand(batchMergeCommand(io, outcome))
    .hook('preSubcommand', refuseOptionsBefore);
  const groups = {
    'Records:': batchOptions(shardIn),
    'Pictures:': promptPictureOptions(),
    'Model:': modelOptions(),
    'Servers:': manyServersOptions(),
    'Answers:': [...formatOptions(), ...reasoningOptions()],
    'Sampling, where a record does not say it itself:': samplingOptions(),
    'Runtime:': [...parallelOptions(), speculateOption(), ...runtimeOptions(), ...cacheOptions()],
    'Output:': [
      new Option('-o, --output <file>', 'go on where an earlier run with this file has ended; - is standard output'),
      new Option('--output-dir <folder>', 'one .txt for each answer too; lines go to batch.jsonl in it without -o'),
      new Option('--as-completed', 'lines as answers are complete, not in the order of the records'),
      new Option(
        '--review <p>',
        'with -o and --review-to: a person should check fields that are less sure than this',
      ).argParser(numberIn({ min: 0, max: 1 })),
      new Option('--review-to <file>', 'at the end, the records with such fields, the least certain first'),
      new Option('--retry-failed', 'do records again that have failed'),
      ...outputOptions('messages on stderr as JSON; with --output-dir .json files instead of .txt'),
      ...traceOptions(),
      new Option('-q, --quiet', 'neither progress nor summary on stderr'),
    ],
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command.addHelpText('after', notes).action(async (words: string[], flags: BatchFlags) => {
    const { runBatch } = await import('../batch/run-batch.ts');
    const stdin = onceStdin(io, recordsStdinBytes);
    const failed = await withTrace(flags, io, (trace) => runBatch(words, { flags, io, stdin, trace }));
    if (failed > 0) outcome.exitCode = exitCodes.partial;
  });
}

/** They would be lost: a folder may be meant that is named like a command. */
function refuseOptionsBefore(command: Command, subcommand: Command): void {
  const given = command.options.find((option) => command.getOptionValueSource(option.attributeName()) === 'cli');
  if (!given) return;
  const name = subcommand.name();
  throw new PixtralError('usage', `${given.long} before ${name}: expected options of batch ${name} behind it`, {
    hint: `a folder of that name is ./${name}`,
  });
}

const notes = `
Pictures, each a record with its path as id:
  photo.jpg scans/ 'scans/**/*.png' report.pdf#2-5 https://...     as for ask, but every word is a picture
  @list.txt, @-        a list, one of these a line; @- from standard input
  -0                   paths from standard input, NUL between: find . -name '*.jpg' -print0 | pixtral batch -0 -p ...

--records, JSON Lines; paths in it are relative to the file:
  {"id":"7", "images":["a.png"], "prompt":"...", "system":"...", "max_tokens":50, ...any field}
  {"custom_id":"7", "method":"POST", "url":"/v1/chat/completions", "body":{"messages":[...]}}      OpenAI's; answered so
  {"custom_id":"7", "body":{"messages":[...]}}                                                     Mistral's; answered so
A record's own prompt wins over -p, unless that one takes it in: -p "{prompt} Answer in French."
A record's own form wins over --schema and the like: "schema": {...} or "file.json", "json_object": true,
"grammar": "root ::= ...", "choices": ["a","b"]; "logprobs": 2 beside it. In OpenAI's: response_format, top_logprobs.

The prompt of -p is a template: {id} {name} {dir} {path} {exif.date}, {text} (the words in a PDF's pages),
and fields of the record: {title}, {meta.author}.
  {title|untitled}     with a text for records without     {{title}}     the text {title}     {1}     place of picture 1

--records - --as-completed answers each record as its line comes, for programs that keep one process and feed it.

With -o each line is on the disk before the next one is written. After a kill or a crash the same command skips what is
there, by id and a hash of pictures, texts, options and weights; what has changed is done again, with a line that says
which it "replaces": the last line of an id counts. SIGTERM finishes the records in work, Ctrl-C drops them.

--parallel n answers n records at once: their tokens are computed in common steps, which read the weights once for all.
Sums in such a step are rounded in another order, so that where two tokens are nearly as likely even a greedy answer can
depend on its neighbours. --reproducible computes each record in steps of its own, to the last bit as with --parallel 1
and no faster: it gives up what common steps gain, but still shares pictures and equal beginnings of prompts.
--speculate looks up how an answer may go on in its prompt and in earlier answers; what was guessed right is computed in
the same step. Each token is still drawn from the model's own logits; they may be rounded otherwise, as in common steps.

Exit code 6: finished, some records failed; their lines have "error" instead of "text".

Examples:
  pixtral batch scans/ -p "Describe {name}" -o answers.jsonl
  find . -name '*.jpg' -print0 | pixtral batch -0 -p "One line about it" | jq -r '[.id, .text] | @tsv'
  pixtral batch --records questions.jsonl --output-dir answers --shard 2/8
  jq -c 'select(.error)' answers.jsonl`;
