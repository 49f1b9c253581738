import type { Command } from 'commander';

/** What a command line can hold, for completion scripts and the manual: read from the program itself. */
export interface CommandPage {
  name: string;
  description: string;
  /** `[options] <folder>` */
  usage: string;
  arguments: Value[];
  options: OptionPage[];
  /** Notes and examples below the help page. */
  notes: string;
  commands: CommandPage[];
}

export interface Value {
  /** As shown: `<n>`, `[images...]`. */
  name: string;
  description: string;
  /** All that it can be, where there is a list. */
  choices: readonly string[];
  isFile: boolean;
  /** The name of an installed model. */
  isModel: boolean;
}

export interface OptionPage {
  /** `-m` and `--model`, as far as there are. */
  short: string | undefined;
  long: string | undefined;
  /** Heading of the help page that it stands under. */
  group: string | undefined;
  description: string;
  /** What follows it. */
  value: Value | undefined;
}

export function commandPage(command: Command): CommandPage {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).map(commandPage);
  const names = commands.map(({ name }) => name);
  return {
    name: command.name(),
    description: command.description(),
    usage: command.usage(),
    arguments: command.registeredArguments.map((argument) =>
      value(argument.name(), { description: argument.description, choices: argument.argChoices ?? [] }),
    ),
    options: help.visibleOptions(command).map((option) => ({
      short: option.short,
      long: option.long,
      group: option.helpGroupHeading,
      description: help.optionDescription(option),
      value:
        option.required || option.optional
          ? value(/[<[].*/.exec(option.flags)?.[0] ?? '', {
              description: option.description,
              choices: option.argChoices ?? [],
            })
          : undefined,
    })),
    notes: notesOf(command),
    commands: commands.map((page) =>
      page.name === 'help' ? { ...page, arguments: page.arguments.map((one) => ({ ...one, choices: names })) } : page,
    ),
  };
}

/** All commands, those within others behind them by their whole names: `batch`, `batch split`. */
export function allCommands({ commands }: CommandPage, before = ''): CommandPage[] {
  return commands.flatMap((command) => {
    const name = `${before}${command.name}`;
    return [{ ...command, name }, ...allCommands(command, `${name} `)];
  });
}

/** What a completion script runs for the names of installed models. */
export const installedModels = 'pixtral models ls --quiet 2>/dev/null';

/** Files are told by the names that the help pages give their places. */
function value(name: string, { description, choices }: { description: string; choices: readonly string[] }): Value {
  return {
    name,
    description,
    choices,
    isFile: /file|path|folder|source|image/.test(name),
    isModel: /model/.test(name),
  };
}

/** What `addHelpText('after', ...)` adds: commander tells it by printing the help page only. */
function notesOf(command: Command): string {
  const before = { ...command.configureOutput() };
  let page = '';
  command.configureOutput({ ...before, writeOut: (text) => (page += text) }).outputHelp();
  command.configureOutput(before);
  return page.slice(command.helpInformation().length).trim();
}
