import { InvalidArgumentError, Option } from 'commander';
import { onLoops } from '../asking/events.ts';
import { parseByteSize } from '../base/byte-size.ts';
import { type Range, samplingRanges } from '../asking/sampling-ranges.ts';

/** Every default of the command line. */
export const defaults = {
  /** mistral-inference's own: temperature of its examples, top_p of its sampler. */
  temperature: 0.35,
  topP: 0.8,
  topK: 0,
  minP: 0,
  repeatPenalty: 1,
  maxTokens: 1024,
  onLoop: 'stop',
  gpu: 'auto',
  gpuLayers: 'auto',
  threads: 'auto',
  contextSize: 'auto',
  batchSize: 512,
  cacheType: 'f16',
  parallel: 'auto',
  orders: 1,
  host: '127.0.0.1',
  port: 8080,
  /** Each holds its pictures' patches, some 12 MB. */
  queue: 64,
  /** A model that is asked in its own words puts nearly all probability on the options. */
  unsure: 0.1,
  /** Half the size of bf16, answers that can hardly be told apart. */
  convertType: 'q8_0',
  /** Context that `doctor` assumes when it says what fits: one full picture and a long talk. */
  doctorContext: 8192,
  /** Of one source: as many of the largest fit into Pixtral's context of 131,072 tokens. */
  maxPages: 30,
  detail: 'full',
  /** What a sheet of A4 at 300 dpi and a 4K screenshot need to be seen at full resolution. */
  maxTiles: 12,
  inline: 'auto',
  /** More than a server's limit for one connection needs, less than it minds. */
  connections: 8,
  /** As much is given as was taken. */
  seedRatio: 1,
  /** Of a server that sends nothing. */
  stallSeconds: 30,
  /** Limits of OpenAI's batch jobs. */
  jobLines: 50_000,
  jobBytes: 200e6,
  /** Before the first of several attempts. */
  backoffSeconds: 1,
  /** A server that has not sent a picture by then will not. */
  urlSeconds: 30,
  /** Of a server that is at work on long answers, or has a long queue. */
  serverSeconds: 600,
  /** A server that is started again loads its weights meanwhile. */
  patienceSeconds: 300,
  concurrency: 'auto',
  /** Pixtral-12B's own, where no model is named. */
  image: { patchSize: 16, maxImageSize: 1024, spatialMergeSize: 1 },
} as const;

/** A parser that refuses what is no number of the range, in one line. */
export function numberIn({ min, max, integer = false }: Range): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const right = text.trim() !== '' && value >= min && value <= max && (!integer || Number.isInteger(value));
    if (!right)
      throw new InvalidArgumentError(`expected ${integer ? 'a whole number' : 'a number'} from ${min} to ${max}.`);
    return value;
  };
}

export const numberOrAuto = (range: Range) => (text: string) => (text === 'auto' ? 'auto' : numberIn(range)(text));

const positive = { min: 1, max: 2 ** 31 - 1, integer: true };

/** Where the model is. */
export const modelOptions = (): Option[] => [
  new Option('-m, --model <model|path>', 'installed model, GGUF file, folder that pixtral convert wrote, or demo').env(
    'PIXTRAL_MODEL',
  ),
  new Option('--mmproj <path>', 'projector file, if it is not beside the model'),
];

/** How pictures are read and seen. */
export const pictureOptions = (): Option[] => [
  new Option('--detail <level>', 'full: as the model can; low: 512 px; tiles: overview and parts at full resolution')
    .choices(['full', 'low', 'tiles'])
    .default(defaults.detail),
  new Option('--max-tiles <n>', 'parts of one picture with --detail tiles; fewer are larger')
    .argParser(numberIn({ min: 1, max: 100, integer: true }))
    .default(defaults.maxTiles),
  new Option('--max-pages <n>', 'pages or frames of one file; more are refused')
    .argParser(numberIn({ min: 1, max: 10_000, integer: true }))
    .default(defaults.maxPages),
  new Option('--allow-private', 'URLs may lead to this machine and the local network'),
  new Option('--url-timeout <seconds>', 'for all of a picture behind a URL')
    .argParser(numberIn({ min: 0.1, max: 3600 }))
    .default(defaults.urlSeconds),
];

/** And what goes into the prompt beside them. */
export const promptPictureOptions = (): Option[] => [
  ...pictureOptions(),
  new Option('--text', 'the words in the pages of a PDF go into the prompt beside their pictures'),
];

/** How it is computed. */
export const runtimeOptions = (): Option[] => [
  new Option('--gpu <kind>', 'where to compute; auto: the best GPU that a trial finds working')
    .choices(['auto', 'cuda', 'vulkan', 'metal', 'off'])
    .default(defaults.gpu),
  new Option('--gpu-layers <n>', 'layers on the GPU; auto: what fits')
    .argParser(numberOrAuto({ min: 0, max: 10_000, integer: true }))
    .default(defaults.gpuLayers),
  new Option('--threads <n>', 'CPU threads; auto: cores that help with a model of that size')
    .argParser(numberOrAuto({ ...positive, max: 1024 }))
    .default(defaults.threads),
  new Option('--context <tokens>', 'room for prompt and answer; auto: what they need')
    .argParser(numberOrAuto(positive))
    .default(defaults.contextSize),
  new Option('--cache-type <type>', 'KV cache: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl').default(
    defaults.cacheType,
  ),
  new Option('--batch-size <tokens>', 'prompt tokens per step')
    .argParser(numberIn({ ...positive, max: 8192 }))
    .default(defaults.batchSize),
];

/** How the next token is chosen. */
export const samplingOptions = (): Option[] => [
  new Option('--max-tokens <n>', 'longest answer')
    .argParser(numberIn(samplingRanges.maxTokens))
    .default(defaults.maxTokens),
  new Option('--temperature <t>', '0 is greedy: always the same answer')
    .argParser(numberIn(samplingRanges.temperature))
    .default(defaults.temperature),
  new Option('--top-p <p>', '1 turns it off').argParser(numberIn(samplingRanges.topP)).default(defaults.topP),
  new Option('--top-k <k>', '0 turns it off').argParser(numberIn(samplingRanges.topK)).default(defaults.topK),
  new Option('--min-p <p>', '0 turns it off').argParser(numberIn(samplingRanges.minP)).default(defaults.minP),
  new Option('--repeat-penalty <p>', '1 turns it off')
    .argParser(numberIn(samplingRanges.repeatPenalty))
    .default(defaults.repeatPenalty),
  new Option('--seed <n>', 'repeat an answer; drawn when not given').argParser(numberIn(samplingRanges.seed)),
  new Option('--on-loop <what>', 'when an answer says the same over and over; retry: once more, with a repeat penalty')
    .choices(onLoops)
    .default(defaults.onLoop),
  new Option('--stop <text>', 'end the answer before this text; repeatable').argParser(collect).default([], 'none'),
];

/** What becomes of a model's thoughts. */
export const reasoningOptions = (otherwise: 'hide' | 'show' = 'hide'): Option[] => [
  new Option(
    '--reasoning <how>',
    `what becomes of a model's thoughts; off: it has none; ${otherwise} if not given`,
  ).choices(['show', 'hide', 'off']),
  new Option('--reasoning-effort <level>', 'none, low, high, ...: how much to think, for models that are told it'),
];

/** A size as people write it. */
export function bytesIn(text: string): number {
  const bytes = parseByteSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('expected a size such as 500MB or 2GiB.');
  return bytes;
}

/** Which records, and what is asked of those that do not say it. */
export const batchOptions = (shardIn: (text: string) => unknown): Option[] => [
  new Option('-p, --prompt <template>', 'what to ask; {name}, {exif.date} and other fields are filled in'),
  new Option('-s, --system <text>', 'system prompt'),
  new Option('--records <file>', 'records in JSON Lines; - reads them from standard input'),
  new Option('-0, --null', 'paths of pictures from standard input, with NUL between'),
  new Option('--limit <n>', 'only the first n records').argParser(numberIn(positive)),
  new Option('--shard <i/n>', 'only part i of n, the same records every time').argParser(shardIn),
];

/** How many records are answered at once. */
export const parallelOptions = (): Option[] => [
  new Option('--parallel <n>', 'records at once; auto: what memory allows, up to 8')
    .argParser(numberOrAuto({ min: 1, max: 256, integer: true }))
    .default(defaults.parallel),
  new Option('--reproducible', 'every record is computed as it would be alone; slower, see below'),
];

/** For answers that repeat what stands in their prompts or in each other. */
export const speculateOption = (): Option =>
  new Option('--speculate', 'guess from prompt and earlier answers how one goes on, see below').conflicts(
    'reproducible',
  );

/** What is kept for later questions. */
export const cacheOptions = (): Option[] => [
  new Option('--no-cache', 'neither use nor keep results of earlier questions about the same pictures'),
];

/** How it is printed. */
export const outputOptions = (json = 'one JSON line instead of text'): Option[] => [
  new Option('--json', json),
  new Option('-v, --verbose', "stages, llama.cpp's log and causes of errors on stderr"),
  new Option('--no-color', 'no colour'),
];

export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}
