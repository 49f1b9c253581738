import { type CommandPage, type OptionPage, allCommands, installedModels } from '../command-tree.ts';

/** A completion script for fish, to be sourced or put into ~/.config/fish/completions/pixtral.fish. */
export function fishCompletion(program: CommandPage): string {
  const { name, commands, options } = program;
  const complete = (condition: string, rest: string): string => `complete -c ${name} -n ${quoted(condition)} ${rest}`;
  const first = '__fish_use_subcommand';
  const lines = [
    ...commands.map((command) => complete(first, `-f -a ${command.name} -d ${quoted(command.description)}`)),
    ...options.map((option) => complete(first, optionWords(option))),
  ];
  for (const command of allCommands(program)) {
    const inside = conditionOf(command);
    for (const { name: word, description } of command.commands) {
      lines.push(complete(inside, `-a ${word} -d ${quoted(description)}`));
    }
    for (const option of command.options) lines.push(complete(inside, optionWords(option)));
    const choices = command.arguments.flatMap((argument) => argument.choices);
    if (command.arguments.some(({ isModel }) => isModel))
      lines.push(complete(inside, `-f -a ${quoted(`(${installedModels})`)}`));
    if (choices.length > 0) lines.push(complete(inside, `-f -a ${quoted(choices.join(' '))}`));
  }
  return `# fish completion for ${name}: ${name} completion fish | source\n${lines.join('\n')}\n`;
}

/** `batch split` is no longer `batch`. */
function conditionOf({ name, commands }: CommandPage): string {
  const seen = name.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
  const others =
    commands.length > 0 ? [`not __fish_seen_subcommand_from ${commands.map((one) => one.name).join(' ')}`] : [];
  return [...seen, ...others].join('; and ');
}

function optionWords({ short, long, description, value }: OptionPage): string {
  const words = [
    ...(short === undefined ? [] : ['-s', short.slice(1)]),
    ...(long === undefined ? [] : ['-l', long.slice(2)]),
    ...(value ? (value.isFile ? ['-r', '-F'] : ['-x']) : []),
    ...(value?.isModel === true ? ['-a', quoted(`(${installedModels})`)] : []),
    ...(value && value.choices.length > 0 ? ['-a', quoted(value.choices.join(' '))] : []),
    '-d',
    quoted(description),
  ];
  return words.join(' ');
}

const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
