import { Command } from 'commander';
import type { Answerer } from '../../asking/answerer.ts';
import type { EngineEvent } from '../../asking/events.ts';
import type { RecordQuestion } from '../../asking/record-hash.ts';
import { PixtralError } from '../../base/errors.ts';
import { type Trace, traced } from '../../base/trace.ts';
import { type ModelPaths, resolveModel } from '../../engine/runtime/resolve.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { Source } from '../../image/sources/sources.ts';
import { showAnswer } from '../../output/answer.ts';
import { warnOfPictures } from '../../output/picture-warnings.ts';
import { type StageReporter, stageReporter } from '../../output/progress.ts';
import { type Message, imagesOf } from '../../prompt/message.ts';
import { askLocalServer } from '../ask-local-server.ts';
import { type EngineFlags, engineOptions } from '../engine-flags.ts';
import { freeText } from '../free-text.ts';
import { type FormatFlags, answerFormat, formatHelp, formatOptions } from '../format-options.ts';
import { type Io, hasColor, onceStdin, pictureStdinBytes } from '../io.ts';
import { mayBeServed } from '../local-server.ts';
import { namedModel } from '../named-model.ts';
import {
  cacheOptions,
  modelOptions,
  outputOptions,
  promptPictureOptions,
  reasoningOptions,
  runtimeOptions,
  samplingOptions,
} from '../options.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';
import { type PromptFlags, type PromptParts, addPromptArguments, promptMessages } from '../prompt-arguments.ts';
import { type ServerFlags, openFlagServers, serverOptions, serverWords } from '../server-flags.ts';
import { type TraceFlags, traceOptions, withTrace } from '../trace-flags.ts';
import { userCache } from '../user-cache.ts';

interface AskFlags extends EngineFlags, PromptFlags, PictureFlags, FormatFlags, ServerFlags, TraceFlags {
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
    'Server:': serverOptions(),
    'Answer:': [...formatOptions(), ...reasoningOptions()],
    'Sampling:': samplingOptions(),
    'Runtime:': [...runtimeOptions(), ...cacheOptions()],
    'Output:': [...outputOptions(), ...traceOptions()],
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command
    .addHelpText('after', formatHelp + examples)
    .action((positional: string[], flags: AskFlags) =>
      withTrace(flags, io, (trace) => ask(positional, { flags, parts, io, trace })),
    );
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
  pixtral ask photo.jpg "describe this" --server http://gpu1:8000
  echo "How many people?" | pixtral ask crowd.jpg`;

async function ask(
  positional: readonly string[],
  { flags, parts, io, trace }: { flags: AskFlags; parts: PromptParts; io: Io; trace: Trace | undefined },
): Promise<void> {
  const format = await answerFormat(flags);
  if (flags.tellSchema === true && flags.schema === undefined && flags.messages === undefined)
    throw new PixtralError('usage', '--tell-schema: there is no schema to tell, expected --schema too');
  const stdin = onceStdin(io, pictureStdinBytes);
  const asked = await questionOf(positional, { parts, flags, format, io, stdin });
  const { messages: sources } = asked;
  const mayBe = await mayBeServed(flags, io);
  if (!mayBe) await startDecoder(sources);
  const servers = serverWords(flags, io);
  const paths = servers ? undefined : await modelPaths(flags, { io, trace, isNeeded: !mayBe }); // its notice comes before the spinner
  const reporter = stageReporter(io.stderr, {
    verbose: flags.verbose === true,
    quiet: flags.json === true,
    color: hasColor(flags, io),
  });
  const note = (lines: string): void => reporter.note(lines);
  try {
    if (mayBe) {
      const events = await askServing(asked, { paths: paths!, reporter, flags, io, stdin, trace });
      if (events) return await show(events, { reporter, flags, io, trace });
      await startDecoder(sources);
    }
    const answerer = servers
      ? await openFlagServers(servers, { flags, io, note })
      : await openModel(paths!, { flags, io, note, trace });
    await answer(asked, { answerer, reporter, flags, io, stdin, trace });
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

/** The answer of this user's own server, without so much as a look at the engine. */
function askServing(
  asked: AskedSources,
  { paths, reporter, flags, io, stdin }: Omit<Asking, 'answerer'> & { paths: ModelPaths },
): Promise<AsyncIterable<EngineEvent> | undefined> {
  return askLocalServer(asked, {
    paths,
    flags,
    io,
    stdin,
    onServer: ({ pid }) => {
      if (flags.verbose === true) reporter.note(`asking pixtral serve, process ${pid}\n`);
    },
    onPictures: (receipts) =>
      warnOfPictures(receipts, { write: (lines) => reporter.note(lines), json: flags.json === true }),
  });
}

async function show(
  events: AsyncIterable<EngineEvent>,
  { reporter, flags, io, trace }: Pick<Asking, 'reporter' | 'flags' | 'io' | 'trace'>,
): Promise<void> {
  const json = flags.json === true;
  const { stdout, stderr } = io;
  const color = hasColor(flags, io);
  await traced({ trace, stage: 'question' }, () => showAnswer(events, { stdout, stderr, reporter, json, color }));
}

async function modelPaths(
  flags: AskFlags,
  { io, trace, isNeeded }: Pick<Asking, 'io' | 'trace'> & { isNeeded: boolean },
): Promise<ModelPaths> {
  // While the model is found; who opens it says what is wrong with it.
  if (isNeeded) void import('../../engine/engine.ts').catch(() => undefined);
  const paths = await traced({ trace, stage: 'model_found' }, async () => resolveModel(await namedModel(flags, io)));
  if (paths.notice !== undefined) io.stderr.write(`${paths.notice}\n`);
  return paths;
}

/** Opens the model, whose libraries are loaded while pictures are read. */
async function openModel(
  paths: ModelPaths,
  { flags, io, note, trace }: { flags: AskFlags; io: Io; note: (lines: string) => void } & Pick<Asking, 'trace'>,
): Promise<Answerer> {
  const { openEngine } = await import('../../engine/engine.ts');
  const cache = flags.cache ? await userCache(io) : undefined;
  const alone = { parallel: 1, questions: 1, reproducible: true };
  const engine = await openEngine(engineOptions(flags, { paths, cache, io, note, trace, ...alone }));
  engine.start(io.signal).catch(() => {}); // the question is told what failed
  return engine;
}

/** It begins while the model is found and opened. */
async function startDecoder(messages: readonly Message<Source>[]): Promise<void> {
  if (messages.every(({ content }) => imagesOf(content).length === 0)) return;
  const { sharedDecoders } = await import('../../image/decoder/decoder-pool.ts');
  sharedDecoders().start();
}

interface Asking {
  answerer: Answerer;
  reporter: StageReporter;
  flags: AskFlags;
  io: Io;
  stdin: () => Promise<Uint8Array>;
  trace: Trace | undefined;
}

async function answer({ messages: sources, options, detail }: AskedSources, asking: Asking): Promise<void> {
  const { answerer, reporter, flags, io } = asking;
  try {
    const messages = await readPictures(sources, { ...asking, flags: { ...flags, detail } });
    const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
    const events = answerer.ask({ messages, options: { ...options, seed } }, io.signal);
    await show(warned(events, asking), asking);
  } finally {
    reporter.stop();
    await answerer.close();
  }
}

/** What a server has not done as it should is said before the answer ends. */
async function* warned(
  events: AsyncIterable<EngineEvent>,
  { reporter, flags }: Asking,
): AsyncGenerator<EngineEvent, void> {
  const { warnOfServer } = await import('../../output/server-warnings.ts');
  for await (const event of events) {
    yield event;
    if (event.kind !== 'answer') continue;
    warnOfServer(event.answer, { write: (lines) => reporter.note(lines), json: flags.json === true });
  }
}

async function readPictures(
  sources: readonly Message<Source>[],
  { answerer, reporter, flags, io, stdin, trace }: Asking,
): Promise<Message<Picture>[]> {
  const { loadMessages } = await import('../../asking/pictures/message-pictures.ts');
  const messages = await loadMessages(sources, {
    ...pictureSettings(flags, { io, stdin, trace }),
    image: answerer.image,
    maxImageTokens: answerer.maxImageTokens,
    keep: answerer.takes,
    onSource: (name) => reporter.stage('image', name),
  });
  const { pictureReceipt } = await import('../../asking/pictures/receipt.ts');
  const images = messages.flatMap(({ content }) => imagesOf(content));
  const receipts = images.map((image) => pictureReceipt(image));
  warnOfPictures(receipts, { write: (lines) => reporter.note(lines), json: flags.json === true });
  return messages;
}
