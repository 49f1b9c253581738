import { Command, Option } from 'commander';
import type { ChatFlags } from '../chat/chat.ts';
import type { Io } from '../io.ts';
import {
  cacheOptions,
  defaults,
  modelOptions,
  outputOptions,
  promptPictureOptions,
  reasoningOptions,
  runtimeOptions,
  samplingOptions,
} from '../options.ts';
import { serverOptions } from '../server-flags.ts';
import { sourcesHelp } from '../prompt-arguments.ts';

export function chatCommand(io: Io): Command {
  const command = new Command('chat')
    .description('Talk about pictures, question by question; earlier turns are not computed again.')
    .argument('[images...]', 'pictures for the first question')
    .addHelpText('after', sourcesHelp + notes);
  const groups = {
    'Conversation:': [
      new Option('-s, --system <text>', 'system prompt'),
      new Option('--open <file>', 'go on from a transcript'),
      new Option('--transcript <file>', 'keep the transcript in this file, up to date after every turn'),
      new Option(
        '--schema <file>',
        "answers are JSON that this JSON Schema allows, or that names with types say: 'shop, total: number'",
      ),
      new Option('--no-history', 'neither read nor keep the lines of other conversations'),
      new Option('--inline <how>', 'attached pictures in the terminal')
        .choices(['auto', 'kitty', 'iterm2', 'sixel', 'off'])
        .default(defaults.inline),
    ],
    'Thoughts:': reasoningOptions(),
    'Pictures:': promptPictureOptions(),
    'Model:': modelOptions(),
    'Server:': serverOptions(),
    'Sampling:': samplingOptions(),
    'Runtime:': [
      new Option('--reproducible', 'answers are read again for the next question: what ask and batch would compute'),
      ...runtimeOptions(),
      ...cacheOptions(),
    ],
    'Output:': outputOptions('one JSON line for each answer'),
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command.action(async (words: string[], flags: ChatFlags) => {
    const { runChat } = await import('../chat/run-chat.ts');
    await runChat(words, { flags, io });
  });
}

const notes = `

In the conversation:
  /image PATH|URL...   pictures for the next question; a path dropped on the terminal does it too, also in a sentence
  /paste               the picture in the clipboard
  /drop [N|turn [N]]   forget a picture or a turn      /tokens   who takes how much of the context
  /retry  /edit        the last question again         /system TEXT   /schema FILE|SHORT FORM|off
  /save FILE           a transcript: for /open, --open, pixtral ask --messages and pixtral batch --records
  /help  /exit         Ctrl-C ends an answer, Ctrl-D the conversation
Where standard input is no terminal, each line is a message, answers are on stdout, and the first mistake is the end.

Examples:
  pixtral chat photo.jpg
  pixtral chat --open talk.jsonl --transcript talk.jsonl
  pixtral chat photo.jpg --server http://gpu1:8000
  printf '%s\\n' 'What is on it?' 'And behind that?' | pixtral chat photo.jpg --temperature 0`;
