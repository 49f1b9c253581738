import { Command } from 'commander';
import { commandPage } from '../command-tree.ts';
import type { Io } from '../io.ts';
import { manPage } from '../man-page.ts';
import { packageVersion } from '../package-version.ts';

export function manCommand(io: Io): Command {
  return new Command('man')
    .description('Print the manual page, for man.')
    .addHelpText('after', install)
    .action((_flags: object, command: Command) => {
      io.stdout.write(manPage(commandPage(command.parent!), { version: packageVersion() }));
    });
}

const install = `
Read it:   pixtral man | man -l -
For good:  pixtral man > ~/.local/share/man/man1/pixtral.1`;
