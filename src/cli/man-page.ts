import { type CommandPage, type OptionPage, allCommands } from './command-tree.ts';

/** The manual in roff (man(7)), all commands on one page. */
export function manPage(program: CommandPage, { version }: { version: string }): string {
  const { name, description } = program;
  const commands = allCommands(program);
  return [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "User Commands"`,
    '.ad l',
    '.nh',
    '.SH NAME',
    `${name} \\- ${text(description)}`,
    '.SH SYNOPSIS',
    ...commands.flatMap((command) => [`.B ${name} ${command.name}`, text(command.usage), '.br']),
    '.SH OPTIONS',
    ...program.options.flatMap(optionLines),
    '.SH COMMANDS',
    ...commands.flatMap((command) => commandLines(command, name)),
    '.SH NOTES',
    ...asIs(program.notes),
    '',
  ].join('\n');
}

function commandLines(command: CommandPage, program: string): string[] {
  const lines = [`.SS "${program} ${command.name} ${text(command.usage)}"`, text(command.description)];
  for (const one of command.arguments) {
    if (one.description !== '') lines.push('.TP', `.I ${text(one.name)}`, text(one.description));
  }
  let group: string | undefined;
  for (const option of command.options) {
    if (option.group !== undefined && option.group !== group) lines.push('.PP', `.B ${text(option.group)}`);
    group = option.group;
    lines.push(...optionLines(option));
  }
  return command.notes === '' ? lines : [...lines, '.PP', ...asIs(command.notes)];
}

function optionLines({ short, long, value, description }: OptionPage): string[] {
  const names = [short, long].filter((name) => name !== undefined).map((name) => `\\fB${text(name)}\\fR`);
  const after = value ? ` \\fI${text(value.name)}\\fR` : '';
  return ['.TP', `${names.join(', ')}${after}`, text(description)];
}

/** Lines that keep their breaks and spaces. */
function asIs(notes: string): string[] {
  return ['.nf', ...notes.split('\n').map(text), '.fi'];
}

/** roff would take a backslash, a hyphen and a dot at the beginning for its own. */
function text(plain: string): string {
  const escaped = plain.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('"', '\\(dq');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
