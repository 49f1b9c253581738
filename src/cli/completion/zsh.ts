import { type CommandPage, type OptionPage, type Value, allCommands, installedModels } from '../command-tree.ts';

/** A completion script for zsh, to be sourced or put into a folder of $fpath as _pixtral. */
export function zshCompletion(program: CommandPage): string {
  const { name, commands, options } = program;
  const all = allCommands(program);
  const inside = all.filter((command) => command.name.includes(' ')).map((command) => quoted(command.name));
  const described = commands.map((command) => `      ${quoted(`${escaped(command.name)}:${command.description}`)}`);
  return `#compdef ${name}
_${name}() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C ${options.flatMap(optionSpecs).join(' ')} '1:command:->command' '*::argument:->rest'
  case $state in
  command)
    local -a commands
    commands=(
${described.join('\n')}
    )
    _describe command commands
    ;;
  rest)
    local command=$words[1]
    case "$command $words[2]" in
    ${inside.join('|')}) if ((CURRENT > 2)); then command="$command $words[2]"; shift words; ((CURRENT--)); fi ;;
    esac
    case $command in
${all.map(commandCase).join('\n')}
    esac
    ;;
  esac
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function commandCase(command: CommandPage): string {
  const inside = command.commands.map((one) => one.name);
  const first = inside.length > 0 ? [quoted(`1:command or file:{compadd ${inside.join(' ')}; _files}`)] : [];
  const values = command.arguments.map((one) => quoted(`*:${escaped(one.name)}:${action(one)}`));
  return `    ${quoted(command.name)}) _arguments ${[...command.options.flatMap(optionSpecs), ...first, ...values].join(' ')} ;;`;
}

function optionSpecs({ short, long, description, value }: OptionPage): string[] {
  const after = value ? `:${escaped(value.name)}:${action(value)}` : '';
  return [short, long]
    .filter((name) => name !== undefined)
    .map((name) => quoted(`*${name}[${escaped(description)}]${after}`));
}

function action({ choices, isFile, isModel }: Value): string {
  if (isModel) return `{compadd -- $(${installedModels})${isFile ? '; _files' : ''}}`;
  if (choices.length > 0) return `(${choices.join(' ')})`;
  return isFile ? '_files' : ' ';
}

const escaped = (text: string): string => text.replaceAll(/[\\[\]:]/g, '\\$&');
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
