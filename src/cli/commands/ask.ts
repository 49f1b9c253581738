import { Command } from 'commander';
import type { RecordQuestion } from '../../asking/record-hash.ts';
import type { Engine, openEngine } from '../../engine/engine.ts';
import type { ModelPaths } from '../../engine/runtime/resolve.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { Source } from '../../image/sources/sources.ts';
import type { StageReporter } from '../../output/progress.ts';
import { type Message, imagesOf } from '../../prompt/message.ts';
import { type EngineFlags, engineOptions } from '../engine-flags.ts';
import { freeText } from '../free-text.ts';
import { type FormatFlags, answerFormat, formatHelp, formatOptions } from '../format-options.ts';
import { type Io, onceStdin, pictureStdinBytes } from '../io.ts';
import { namedModel } from '../named-model.ts';
import {
  cacheOptions,
  modelOptions,
  outputOptions,
  promptPictureOptions,
  runtimeOptions,
  samplingOptions,
} from '../options.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';
import { type PromptFlags, type PromptParts, addPromptArguments, promptMessages } from '../prompt-arguments.ts';
import { userCache } from '../user-cache.ts';

interface AskFlags extends EngineFlags, PromptFlags, PictureFlags, FormatFlags {
  messages?: string;
  color: boolean;
}

export function askCommand(io: Io): Command {
  const parts: PromptParts = [];
  const command = addPromptArguments(
    new Command('ask').description('Ask about pictures; the answer streams to stdout.'),
    parts,
  );
  command.option(
    '--messages <file>',
    'go on from a transcript of pixtral chat; without words, ask its last question again',
  );
  const groups = {
    'Pictures:': promptPictureOptions(),
    'Model:': modelOptions(),
    'Answer:': formatOptions(),
    'Sampling:': samplingOptions(),
    'Runtime:': [...runtimeOptions(), ...cacheOptions()],
    'Output:': outputOptions(),
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command
    .addHelpText('after', formatHelp + examples)
    .action((positional: string[], flags: AskFlags) => ask(positional, { flags, parts, io }));
}

const examples = `

Examples:
  pixtral ask photo.jpg "describe this"
  pixtral ask before.png after.png "what changed?"
  pixtral ask a.png b.png "Is {2} larger than {1}?"
  pixtral ask -p "this one" -i a.png -p "or this one" -i b.png -p "?"
  pixtral ask 'report.pdf#2-5' "sum this up" --detail tiles
  pixtral ask https://example.org/sign.jpg "read it" --temperature 0 --json
  pixtral ask receipt.jpg "total and date" --schema receipt.json | jq .total
  pixtral ask photo.jpg "Is it day or night?" --choices day,night
  echo "How many people?" | pixtral ask crowd.jpg`;

async function ask(
  positional: readonly string[],
  { flags, parts, io }: { flags: AskFlags; parts: PromptParts; io: Io },
): Promise<void> {
  const format = await answerFormat(flags);
  const stdin = onceStdin(io, pictureStdinBytes);
  const asked = await questionOf(positional, { parts, flags, format, io, stdin });
  const { messages: sources } = asked;
  await startDecoder(sources);
  const loading = import('../../engine/engine.ts'); // while the model is found
  const { resolveModel } = await import('../../engine/runtime/resolve.ts');
  const { notice, ...paths } = await resolveModel(await namedModel(flags, io));
  if (notice !== undefined) io.stderr.write(`${notice}\n`);
  const { stageReporter } = await import('../../output/progress.ts');
  const reporter = stageReporter(io.stderr, {
    verbose: flags.verbose === true,
    quiet: flags.json === true,
    color: flags.color && io.env['NO_COLOR'] === undefined,
  });
  try {
    const { openEngine } = await loading;
    await answer(asked, { openEngine, paths, reporter, flags, io, stdin });
  } finally {
    reporter.stop(); // its timer would keep the process alive
  }
}

/** What the arguments ask, and before it what a transcript tells: what that says of its answers itself, wins. */
async function questionOf(
  positional: readonly string[],
  {
    parts,
    flags,
    format,
    io,
    stdin,
  }: { parts: PromptParts; flags: AskFlags; format: AskedOptions['format']; io: Io; stdin: Asking['stdin'] },
): Promise<AskedSources> {
  const { stop, logprobs } = flags;
  const options = { ...freeText(flags), stop, format, logprobs };
  const words = (): Promise<Message<Source>[]> => promptMessages(positional, { parts, flags, io, stdin });
  if (flags.messages === undefined) return { messages: await words(), options, detail: flags.detail };
  const { conversation } = await import('../chat/transcript-file.ts');
  const isMore = positional.length > 0 || parts.length > 0;
  const { detail, system } = flags;
  return conversation(flags.messages, { options, detail, system, more: isMore ? await words() : [] });
}

type AskedSources = Pick<RecordQuestion, 'messages' | 'options' | 'detail'>;
type AskedOptions = RecordQuestion['options'];

/** It begins while the model is found and opened. */
async function startDecoder(messages: readonly Message<Source>[]): Promise<void> {
  if (messages.every(({ content }) => imagesOf(content).length === 0)) return;
  const { sharedDecoders } = await import('../../image/decoder/decoder-pool.ts');
  sharedDecoders().start();
}

interface Asking {
  openEngine: typeof openEngine;
  paths: ModelPaths;
  reporter: StageReporter;
  flags: AskFlags;
  io: Io;
  stdin: () => Promise<Uint8Array>;
}

async function answer({ messages: sources, options, detail }: AskedSources, asking: Asking): Promise<void> {
  const { openEngine, paths, reporter, flags, io } = asking;
  const cache = flags.cache ? await userCache(io) : undefined;
  const note = (lines: string): void => reporter.note(lines);
  const alone = { parallel: 1, questions: 1, reproducible: true };
  const engine = await openEngine(engineOptions(flags, { paths, cache, io, note, ...alone }));
  try {
    const reading = readPictures(sources, { ...asking, flags: { ...flags, detail }, engine });
    engine.start(io.signal).catch(() => {}); // meanwhile; the question is told what failed
    const messages = await reading;
    const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
    const { showAnswer } = await import('../../output/answer.ts');
    await showAnswer(engine.ask({ messages, options: { ...options, seed } }, io.signal), {
      stdout: io.stdout,
      reporter,
      json: flags.json === true,
    });
  } finally {
    reporter.stop();
    await engine.close();
  }
}

async function readPictures(
  sources: readonly Message<Source>[],
  { engine, reporter, flags, io, stdin }: Asking & { engine: Engine },
): Promise<Message<Picture>[]> {
  const { loadMessages } = await import('../../asking/pictures/message-pictures.ts');
  const messages = await loadMessages(sources, {
    ...pictureSettings(flags, { io, stdin }),
    image: engine.files.image,
    maxImageTokens: engine.files.decoder.trainedContext,
    keepPatches: true,
    onSource: (name) => reporter.stage('image', name),
  });
  const { pictureReceipt } = await import('../../asking/pictures/receipt.ts');
  const { warnOfPictures } = await import('../../output/picture-warnings.ts');
  const images = messages.flatMap(({ content }) => imagesOf(content));
  const receipts = images.map((image) => pictureReceipt(image));
  warnOfPictures(receipts, { write: (lines) => reporter.note(lines), json: flags.json === true });
  return messages;
}
