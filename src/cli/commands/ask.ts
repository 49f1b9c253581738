import { Command } from 'commander';
import type { EngineOptions } from '../../engine/events.ts';
import type { Chunk, Message } from '../../prompt/message.ts';
import type { Picture } from '../../image/load.ts';
import { type FormatFlags, answerFormat, formatHelp, formatOptions } from '../format-options.ts';
import { type Io, onceStdin } from '../io.ts';
import { namedModel } from '../named-model.ts';
import { modelOptions, outputOptions, runtimeOptions, samplingOptions } from '../options.ts';
import { type PromptParts, addPromptArguments, promptMessages } from '../prompt-arguments.ts';

interface AskFlags extends FormatFlags {
  system?: string;
  model?: string;
  mmproj?: string;
  gpu: EngineOptions['gpu'];
  gpuLayers: number | 'auto';
  threads: number | 'auto';
  context: number | 'auto';
  cacheType: string;
  batchSize: number;
  maxTokens: number;
  temperature: number;
  topP: number;
  topK: number;
  minP: number;
  repeatPenalty: number;
  seed?: number;
  verbose?: boolean;
  color: boolean;
}

export function askCommand(io: Io): Command {
  const parts: PromptParts = [];
  const command = addPromptArguments(
    new Command('ask').description('Ask about pictures; the answer streams to stdout.'),
    parts,
  );
  const groups = {
    'Model:': modelOptions(),
    'Answer:': formatOptions(),
    'Sampling:': samplingOptions(),
    'Runtime:': runtimeOptions(),
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
  pixtral ask -p "this one" -i a.png -p "or this one" -i b.png -p "?"
  pixtral ask https://example.org/sign.jpg "read it" --temperature 0 --json
  pixtral ask receipt.jpg "total and date" --schema receipt.json | jq .total
  pixtral ask photo.jpg "Is it day or night?" --choices day,night
  echo "How many people?" | pixtral ask crowd.jpg`;

async function ask(
  positional: readonly string[],
  { flags, parts, io }: { flags: AskFlags; parts: PromptParts; io: Io },
): Promise<void> {
  const format = await answerFormat(flags);
  const stdin = onceStdin(io);
  const sources = await promptMessages(positional, { parts, system: flags.system, io, stdin });
  const messages = await loadImages(sources, { stdin, signal: io.signal });
  const { resolveModel } = await import('../../engine/resolve.ts');
  const { notice, ...paths } = await resolveModel(namedModel(flags, io));
  if (notice !== undefined) io.stderr.write(`${notice}\n`);
  const { stageReporter } = await import('../../output/progress.ts');
  const reporter = await stageReporter(io.stderr, {
    verbose: flags.verbose === true,
    quiet: flags.json === true,
    color: flags.color && io.env['NO_COLOR'] === undefined,
  });
  const { openEngine } = await import('../../engine/engine.ts');
  const engine = await openEngine({
    ...flags,
    ...paths,
    contextSize: flags.context,
    ...(flags.verbose === true && { onLog: (line: string) => io.stderr.write(`${line}\n`) }),
  });
  try {
    const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 32);
    const { showAnswer } = await import('../../output/answer.ts');
    await showAnswer(engine.ask(messages, { ...flags, seed, format, signal: io.signal }), {
      stdout: io.stdout,
      reporter,
      json: flags.json === true,
    });
  } finally {
    reporter.stop();
    await engine.close();
  }
}

async function loadImages(
  messages: readonly Message<string>[],
  options: { stdin: () => Promise<Uint8Array>; signal: AbortSignal },
): Promise<Message<Picture>[]> {
  const { loadPicture } = await import('../../image/load.ts');
  const loaded: Message<Picture>[] = [];
  for (const message of messages) {
    const content: Chunk<Picture>[] = [];
    for (const chunk of message.content) {
      content.push(chunk.kind === 'text' ? chunk : { kind: 'image', image: await loadPicture(chunk.image, options) });
    }
    loaded.push({ ...message, content });
  }
  return loaded;
}
