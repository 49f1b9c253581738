import { Command, Option } from 'commander';
import type { PromptOptions } from '../../engine/answers/answer-plan.ts';
import type { Source } from '../../image/sources/sources.ts';
import type { Message } from '../../prompt/message.ts';
import { type FormatFlags, answerFormat, formatOptions } from '../format-options.ts';
import { type Io, onceStdin, pictureStdinBytes } from '../io.ts';
import { namedModel } from '../named-model.ts';
import { modelOptions, outputOptions, promptPictureOptions, reasoningOptions } from '../options.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';
import { type PromptFlags, type PromptParts, addPromptArguments, promptMessages } from '../prompt-arguments.ts';

interface TokensFlags extends PromptFlags, PictureFlags, Pick<FormatFlags, 'schema' | 'jsonObject'> {
  model?: string;
  mmproj?: string;
  request?: string;
  reasoning?: NonNullable<PromptOptions['reasoning']>;
  reasoningEffort?: string;
  json?: boolean;
}

interface Asked {
  messages: readonly Message<Source>[];
  asked: PromptOptions;
  detail: PictureFlags['detail'];
}

/** Of the forms of an answer only schemas are told to a model. */
const toldForms = ['--schema', '--json-object'];

export function tokensCommand(io: Io): Command {
  const parts: PromptParts = [];
  const command = addPromptArguments(
    new Command('tokens').description("Show a prompt's exact ids and its images' grids, without loading weights."),
    parts,
  );
  const request = new Option(
    '--request <file>',
    "in place of a prompt: the body of a chat completion, with OpenAI's messages, tools, ...",
  );
  const forms = formatOptions().filter(({ long }) => toldForms.includes(long ?? ''));
  const options = [...promptPictureOptions(), request, ...forms, ...reasoningOptions()];
  for (const option of [...options, ...modelOptions(), ...outputOptions()]) command.addOption(option);
  return command
    .addHelpText('after', '\nThe model may also be a checkpoint folder or a tekken.json.')
    .action(async (positional: string[], flags: TokensFlags) => {
      const stdin = onceStdin(io, pictureStdinBytes);
      const { messages, asked, detail } = await askedFor(positional, { parts, flags, io, stdin });
      const { promptLayout } = await import('../../engine/tokens.ts');
      const layout = await promptLayout(messages, {
        ...(await namedModel(flags, io)),
        ...pictureSettings({ ...flags, detail }, { io, stdin }),
        asked,
      });
      const { warnOfPictures } = await import('../../output/picture-warnings.ts');
      warnOfPictures(layout.images, { write: (text) => io.stderr.write(text), json: flags.json === true });
      const { layoutText } = await import('../../output/layout.ts');
      const { jsonLine } = await import('../../wires/json.ts');
      io.stdout.write(flags.json === true ? jsonLine({ ...layout }) : layoutText(layout));
    });
}

async function askedFor(
  positional: readonly string[],
  { parts, flags, io, stdin }: { parts: PromptParts; flags: TokensFlags; io: Io; stdin: () => Promise<Uint8Array> },
): Promise<Asked> {
  const { request, reasoning, reasoningEffort, detail } = flags;
  const format = await answerFormat({ ...flags, stop: [] });
  const asked = { reasoning, reasoningEffort, format };
  if (request === undefined) {
    return { messages: await promptMessages(positional, { parts, flags, io, stdin }), asked, detail };
  }
  const { fileRequest } = await import('../file-request.ts');
  const question = await fileRequest(request, { words: positional.length + parts.length, options: asked, detail });
  return { messages: question.messages, asked: question.options, detail: question.detail };
}
