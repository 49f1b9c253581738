import { Argument, Command } from 'commander';
import { commandPage } from '../command-tree.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';
import type { Io } from '../io.ts';

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
type Shell = keyof typeof shells;

export function completionCommand(io: Io): Command {
  return new Command('completion')
    .description('Print a script that lets a shell complete commands, options and their values.')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(shells)))
    .addHelpText('after', install)
    .action((shell: Shell, _flags: object, command: Command) => {
      io.stdout.write(shells[shell](commandPage(command.parent!)));
    });
}

const install = `
For good:
  bash  echo 'source <(pixtral completion bash)' >> ~/.bashrc
  zsh   echo 'source <(pixtral completion zsh)' >> ~/.zshrc      (below compinit)
  fish  pixtral completion fish > ~/.config/fish/completions/pixtral.fish`;
