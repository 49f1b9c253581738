import type { Command } from 'commander';
import { PixtralError, exitCodes } from '../base/errors.ts';
import { brief, printable, straight } from '../output/printable.ts';
import { type Io, hasColor } from './io.ts';
import { packageVersion } from './package-version.ts';
import { withoutPasswords } from '../base/without-passwords.ts';

type MakeCommand = (io: Io, outcome: { exitCode: number }) => Command;

/** In the order of the help page. Loaded when they are asked for: all of them take as long as the rest of the start. */
const commands: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  ask: async () => (await import('./commands/ask.ts')).askCommand,
  chat: async () => (await import('./commands/chat.ts')).chatCommand,
  batch: async () => (await import('./commands/batch.ts')).batchCommand,
  decide: async () => (await import('./commands/decide.ts')).decideCommand,
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  mcp: async () => (await import('./commands/mcp.ts')).mcpCommand,
  convert: async () => (await import('./commands/convert.ts')).convertCommand,
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand,
  tokens: async () => (await import('./commands/tokens.ts')).tokensCommand,
  view: async () => (await import('./commands/view.ts')).viewCommand,
  schema: async () => (await import('./commands/schema.ts')).schemaCommand,
  pull: async () => (await import('./commands/pull.ts')).pullCommand,
  models: async () => (await import('./commands/models.ts')).modelsCommand,
  cache: async () => (await import('./commands/cache.ts')).cacheCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  build: async () => (await import('./commands/build.ts')).buildCommand,
  trim: async () => (await import('./commands/trim.ts')).trimCommand,
  bench: async () => (await import('./commands/bench.ts')).benchCommand,
  completion: async () => (await import('./commands/completion.ts')).completionCommand,
  man: async () => (await import('./commands/man.ts')).manCommand,
};
/** Scripts ask for it often: the parser is not even loaded. */
const versionFlags = ['-V', '--version'];
/** They tell of all commands. */
const needAll = ['completion', 'man'];

/** Runs one command line. Returns the exit code; results are on `io.stdout`, everything else on `io.stderr`. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  if (argv.length === 1 && versionFlags.includes(argv[0]!)) {
    io.stdout.write(`${packageVersion()}\n`);
    return exitCodes.ok;
  }
  const outcome = { exitCode: exitCodes.ok as number };
  const program = await buildProgram(io, { outcome, names: namesFor(argv) });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    if (io.signal.reason instanceof PixtralError) throw io.signal.reason;
    return outcome.exitCode;
  } catch (caught) {
    const { reason } = io.signal as { reason: unknown };
    if (io.signal.aborted && !(reason instanceof PixtralError)) return signalCode(io.signal);
    const thrown = reason instanceof PixtralError ? reason : caught; // standard output has failed, whatever came of that
    // Commander has printed its own message, or the help that was asked for.
    const { CommanderError } = await import('commander');
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { printError } = await import('../output/errors.ts');
    printError(thrown, io.stderr, {
      json: argv.includes('--json'),
      verbose: argv.includes('--verbose') || argv.includes('-v'),
      color: hasColor({ color: !argv.includes('--no-color') }, io),
    });
    return thrown instanceof PixtralError ? exitCodes[thrown.code] : exitCodes.failed;
  }
}

/** The reason of our abort signal is the signal's number. */
export function signalCode(signal: AbortSignal): number {
  return 128 + (typeof signal.reason === 'number' ? signal.reason : 2);
}

/** Of the commands that a command line needs. */
function namesFor([first = '']: readonly string[]): string[] {
  const all = Object.keys(commands);
  return all.includes(first) && !needAll.includes(first) ? [first] : all;
}

async function buildProgram(
  io: Io,
  { outcome, names }: { outcome: { exitCode: number }; names: readonly string[] },
): Promise<Command> {
  const { Command } = await import('commander');
  const program = new Command('pixtral')
    .description('Ask the vision-language model Pixtral-12B about pictures, on your own machine.')
    .version(packageVersion(), versionFlags.join(', '))
    .helpCommand('help [command]', 'help for a command')
    .addHelpText('after', examples);
  for (const make of await Promise.all(names.map((name) => commands[name]!()))) program.addCommand(make(io, outcome));
  // Else options behind a command within a command would be taken for those of the outer one.
  program.enablePositionalOptions(program.commands.some(({ commands: inside }) => inside.length > 0));
  // Commands added with addCommand inherit neither of the two.
  for (const { command, path } of commandsOf(program, '')) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(printable(withoutPasswords(text))),
      outputError: (text, write) => write(straight(brief(text))),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
    command.showHelpAfterError(`(pixtral ${path}--help explains)`);
  }
  return program;
}

/** A command and those within it; `path`: `batch split `. */
function commandsOf(command: Command, path: string): { command: Command; path: string }[] {
  const inside = command.commands.flatMap((one) => commandsOf(one, `${path}${one.name()} `));
  return [{ command, path }, ...inside];
}

const examples = `
Examples:
  pixtral pull pixtral-12b                       weights from the Hub -> GGUF, once
  pixtral ask photo.jpg "What is on this picture?"
  pixtral ask a.png b.png "What changed?" --json | jq -r .text
  pixtral ask 'report.pdf#2-5' "Sum this up" --detail tiles
  pixtral batch scans/ -p "Describe {name}" -o answers.jsonl
  pixtral view photo.jpg -o seen.png             what the model sees of it
  curl -s https://example.org/x.png | pixtral ask - "Read the sign"

Exit codes: 0 done, 1 bug or problem found, 2 usage, 3 image or prompt, 4 model, 5 machine, 6 some records of a batch failed, 130 interrupted.`;
