import { Command, Option } from 'commander';
import { exitCodes } from '../../base/errors.ts';
import { shardIn } from '../batch/select.ts';
import { manyServersOptions } from '../server-flags.ts';
import type { DecideFlags } from '../decide/run-decide.ts';
import { type Io, onceStdin, recordsStdinBytes } from '../io.ts';
import {
  cacheOptions,
  collect,
  defaults,
  modelOptions,
  numberIn,
  outputOptions,
  parallelOptions,
  promptPictureOptions,
  runtimeOptions,
} from '../options.ts';
import { traceOptions, withTrace } from '../trace-flags.ts';

export function decideCommand(io: Io, outcome: { exitCode: number }): Command {
  const command = new Command('decide')
    .description('Typed questions about many pictures, with a probability for each option; --where makes it a filter.')
    .argument('[pictures...]', 'as for batch; @- reads a list from standard input');
  const positive = { min: 1, max: 2 ** 31 - 1, integer: true };
  const groups = {
    'Questions:': [
      new Option('-q, --question <text>', '[name=][options:] question; repeatable, see below').argParser(collect),
      new Option('--questions <file>', "questions in JSON, as OpenAI's Decisions API writes them"),
      new Option('-s, --system <text>', 'system prompt'),
      new Option('--labels <style>', 'how options are named to the model')
        .choices(['words', 'letters'])
        .default('words'),
      new Option('--orders <n>', 'ask a choice in n orders of its options, and average')
        .argParser(numberIn({ min: 1, max: 16, integer: true }))
        .default(defaults.orders),
      new Option('--template <text>', 'what is asked: {question} and {options} are filled in'),
      new Option('--unsure <mass>', 'below this share of all probability the options are no answer')
        .argParser(numberIn({ min: 0, max: 1 }))
        .default(defaults.unsure),
      new Option('--calibrate <labels>', 'fit temperatures on labelled pictures, see below'),
      new Option('--calibration <file>', 'temperatures that --calibrate found; with it, where they go'),
    ],
    'Filter:': [
      new Option('--where <expression>', "pictures that match: 'person>0.5 && kind=receipt'"),
      new Option('--invert', 'those that do not match'),
      new Option('--count', 'only how many match'),
      new Option('--sort <question>', 'the largest value first, when all are known'),
      new Option('--top <n>', 'only the first n').argParser(numberIn(positive)),
      new Option('--values', 'the values before each path, with tabs between'),
      new Option('--csv', 'a table with a line for each picture'),
      new Option('-0, --null', 'paths with NUL between, for xargs -0'),
      new Option('--move-to <folder>', 'move pictures that match; nothing is overwritten'),
      new Option('--copy-to <folder>', 'copy them'),
      new Option('--link-to <folder>', 'link to them'),
    ],
    'Records:': [
      new Option(
        '--records <file>',
        'JSON Lines: {"id":"7","images":["a.png"],"questions":["..."]}; - is standard input',
      ),
      new Option('--null-list <file>', 'paths with NUL between; - is standard input'),
      new Option('--limit <n>', 'only the first n records').argParser(numberIn(positive)),
      new Option('--shard <i/n>', 'only part i of n, the same records every time').argParser(shardIn),
    ],
    'Pictures:': promptPictureOptions(),
    'Model:': modelOptions(),
    'Servers:': manyServersOptions(),
    'Runtime:': [...parallelOptions(), ...runtimeOptions(), ...cacheOptions()],
    'Output:': [
      new Option('-o, --output <file>', 'a JSON line for each picture; go on where an earlier run has ended'),
      new Option('--html <file>', 'a contact sheet of the pictures that match, to sort and filter in a browser'),
      new Option('--as-completed', 'lines as they are complete, not in the order of the pictures'),
      new Option('--retry-failed', 'do pictures again that have failed'),
      ...outputOptions('messages on stderr as JSON'),
      ...traceOptions(),
      new Option('--quiet', 'neither progress nor summary on stderr'),
    ],
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command.addHelpText('after', notes).action(async (words: string[], flags: DecideFlags) => {
    const { runDecide } = await import('../decide/run-decide.ts');
    const stdin = onceStdin(io, recordsStdinBytes);
    const code = await withTrace(flags, io, (trace) => runDecide(words, { flags, io, stdin, trace }));
    if (code !== exitCodes.ok) outcome.exitCode = code;
  });
}

const notes = `
A question is one of:
  'Is a person visible?'                              yes or no: the probability of yes
  'person=Is a person visible?'                       with a name
  'kind=receipt|letter|photo|other: What is this?'    a choice: a probability for each option
  'damage=1..5: How badly is the paper damaged?'      a score: the expected level; also small<medium<large

Nothing is generated: the probabilities are the model's own at the beginning of its answer, of all ways to spell an
option (capitals, a blank before it), divided by what the options have together. That sum is "mass": where it is small,
the model would say something else, the answer is "unsure" and matches nothing.

--where compares names with numbers (> >= < <= = !=) and choices with options (kind=receipt, kind.letter>0.2), with
&& || ! ( ) or and, or, not; a name alone stands for yes. What decides no more is not asked. Exit code 1: none matches.

--calibrate takes JSON Lines with the right answers: {"image":"a.png","answers":{"person":true,"kind":"letter"}}. It fits
a temperature for each question, so that answers are as sure as they are right, writes them to a file for --calibration,
with a diagram beside it, and shows accuracy, AUROC and expected calibration error before and after (cross-validated).

Examples:
  pixtral decide photos/ -q 'person=Is a person visible?' -q 'kind=receipt|letter|photo|other: What is this?' -o decisions.jsonl
  pixtral decide photos/ -q 'Is a person visible?' --where '>0.9' -0 | xargs -0 cp -t people/
  pixtral decide scans/ -q 'damage=1..5: How badly is the paper damaged?' --sort damage --top 20
  pixtral decide scans/ -q 'kind=receipt|letter|other: What is this?' --where 'kind=receipt' --move-to receipts/`;
