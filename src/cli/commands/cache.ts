import { Argument, Command, Option } from 'commander';
import { exitCodes } from '../../base/errors.ts';
import type { Io } from '../io.ts';
import { printable } from '../../output/printable.ts';
import { bytesIn } from '../options.ts';
import { cacheLimit, resultsFolder } from '../user-cache.ts';

const actions = ['ls', 'prune', 'verify', 'clear'] as const;
type Action = (typeof actions)[number];

export function cacheCommand(io: Io, outcome: { exitCode: number }): Command {
  return new Command('cache')
    .description('Show and tidy what earlier questions left: rows of pictures and states of prompts.')
    .addArgument(new Argument('<action>', 'what to do').choices(actions))
    .addOption(new Option('--max <size>', 'prune down to this size (default: the limit)').argParser(bytesIn))
    .option('--json', 'one JSON line instead of text')
    .addHelpText('after', notes)
    .action((action: Action, flags: { max?: number; json?: boolean }) => tidy(action, { flags, io, outcome }));
}

const notes = `
  ls      entries, least recently used first     verify  read everything, remove what is damaged (exit 1 if any)
  prune   remove the least recently used         clear   remove all

The limit is 10 GB or a tenth of the free disk, whichever is less; PIXTRAL_CACHE_SIZE=5GB sets another, 0 turns the
cache off. The folder is \`results\` in PIXTRAL_CACHE, or in the platform's cache folder for pixtral.

Examples:
  pixtral cache ls
  pixtral cache prune --max 2GB`;

async function tidy(
  action: Action,
  { flags, io, outcome }: { flags: { max?: number; json?: boolean }; io: Io; outcome: { exitCode: number } },
): Promise<void> {
  const folder = resultsFolder(io);
  const limit = await cacheLimit(io);
  const { openCache } = await import('../../store/cache.ts');
  const { entriesJson, entriesText, sweptText, verifiedText } = await import('../../output/cache.ts');
  const { jsonLine } = await import('../../wires/json.ts');
  const cache = openCache({ folder, limit: () => Promise.resolve(limit) });
  const print = (shape: object, text: string): void => {
    io.stdout.write(flags.json === true ? jsonLine({ folder, ...shape }) : printable(text));
  };
  switch (action) {
    case 'ls': {
      const entries = await cache.entries();
      print(entriesJson(entries, limit), entriesText(entries, { folder, limit }));
      break;
    }
    case 'verify': {
      const found = await cache.verify();
      print(found, verifiedText(found));
      if (found.damaged.entries > 0) outcome.exitCode = exitCodes.failed;
      break;
    }
    case 'prune':
    case 'clear': {
      const removed = await cache.prune(action === 'clear' ? 0 : (flags.max ?? limit));
      print({ removed }, sweptText(removed));
      break;
    }
  }
}
