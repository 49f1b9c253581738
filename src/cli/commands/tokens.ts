import { Command } from 'commander';
import { type Io, onceStdin, pictureStdinBytes } from '../io.ts';
import { namedModel } from '../named-model.ts';
import { modelOptions, outputOptions, promptPictureOptions } from '../options.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';
import { type PromptFlags, type PromptParts, addPromptArguments, promptMessages } from '../prompt-arguments.ts';

interface TokensFlags extends PromptFlags, PictureFlags {
  model?: string;
  mmproj?: string;
  json?: boolean;
}

export function tokensCommand(io: Io): Command {
  const parts: PromptParts = [];
  const command = addPromptArguments(
    new Command('tokens').description("Show a prompt's exact ids and its images' grids, without loading weights."),
    parts,
  );
  for (const option of [...promptPictureOptions(), ...modelOptions(), ...outputOptions()]) command.addOption(option);
  return command
    .addHelpText('after', '\nThe model may also be a checkpoint folder or a tekken.json.')
    .action(async (positional: string[], flags: TokensFlags) => {
      const stdin = onceStdin(io, pictureStdinBytes);
      const messages = await promptMessages(positional, { parts, flags, io, stdin });
      const { promptLayout } = await import('../../engine/tokens.ts');
      const layout = await promptLayout(messages, {
        ...(await namedModel(flags, io)),
        ...pictureSettings(flags, { io, stdin }),
      });
      const { warnOfPictures } = await import('../../output/picture-warnings.ts');
      warnOfPictures(layout.images, { write: (text) => io.stderr.write(text), json: flags.json === true });
      const { layoutText } = await import('../../output/layout.ts');
      const { jsonLine } = await import('../../wires/json.ts');
      io.stdout.write(flags.json === true ? jsonLine({ ...layout }) : layoutText(layout));
    });
}
