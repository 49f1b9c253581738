import { type CommandPage, type OptionPage, allCommands, installedModels } from '../command-tree.ts';

/** A completion script for bash 3.2 and newer. */
export function bashCompletion(program: CommandPage): string {
  const { name } = program;
  const commands = allCommands(program);
  const first = [...program.commands.map((command) => command.name), ...optionNames(program.options)];
  const inside = commands.filter((command) => command.name.includes(' '));
  return `# bash completion for ${name}: source <(${name} completion bash)
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words=''
  COMPREPLY=()
  # --gpu=off comes as three words
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${first.join(' ')}' -- "$cur"))
    return
  fi
  local command=\${COMP_WORDS[1]}
  case "$command \${COMP_WORDS[2]}" in
    ${inside.map((command) => `'${command.name}'`).join('|')}) if ((COMP_CWORD > 2)); then command="$command \${COMP_WORDS[2]}"; fi ;;
  esac
  case "$command $prev" in
${commands.flatMap((command) => command.options.flatMap((option) => valueCase(command, option))).join('\n')}
  esac
  case "$command" in
${commands.map(wordsCase).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _${name} ${name}
`;
}

/** With \`-o default\` an empty reply means files; numbers and texts want nothing. */
function valueCase(command: CommandPage, { short, long, value }: OptionPage): string[] {
  if (!value) return [];
  const pattern = [short, long].filter((name) => name !== undefined).map((name) => `'${command.name} ${name}'`);
  if (value.isModel) return [`    ${pattern.join('|')}) ${modelWords()}return ;;`];
  const reply = value.isFile ? '' : 'compopt +o default 2>/dev/null; ';
  const words = value.choices.length > 0 ? `COMPREPLY=($(compgen -W '${value.choices.join(' ')}' -- "$cur")); ` : reply;
  return [`    ${pattern.join('|')}) ${words}return ;;`];
}

/** Installed models; with `-o default`, files too when none fits. */
function modelWords(): string {
  return `COMPREPLY=($(compgen -W "$(${installedModels})" -- "$cur")); `;
}

function wordsCase(command: CommandPage): string {
  const others = command.commands.length > 0 ? commandsOrFiles(command) : argumentWords(command);
  return `    '${command.name}') if [[ $cur == -* ]]; then words='${optionNames(command.options).join(' ')}'; else ${others}; fi ;;`;
}

/** A reply that is not empty hides files, so they are part of it. */
function commandsOrFiles({ commands }: CommandPage): string {
  const names = commands.map(({ name }) => name).join('\\n');
  const reply = `COMPREPLY=($(compgen -W $'${names}' -- "$cur"; compgen -f -- "$cur"))`;
  return `if ((COMP_CWORD == 2)); then local IFS=$'\\n'; compopt -o filenames 2>/dev/null; ${reply}; fi; return`;
}

function argumentWords(command: CommandPage): string {
  const choices = command.arguments.flatMap((argument) => argument.choices);
  const models = command.arguments.some(({ isModel }) => isModel) ? ` $(${installedModels})` : '';
  return choices.length > 0 ? `words="${choices.join(' ')}${models}"` : 'return';
}

function optionNames(options: readonly OptionPage[]): string[] {
  return options.flatMap(({ short, long }) => [short, long].filter((name) => name !== undefined));
}
