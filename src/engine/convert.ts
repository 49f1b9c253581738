import { type Converted, type RunOptions, convert } from '../convert/convert.ts';
import { type PlannedPair, type PlanningOptions, planPair } from '../convert/plan-pair.ts';
import { sourceFiles } from '../convert/source-files.ts';
import type { Native } from '../native/native.ts';
import { openNative } from '../native/open-native.ts';
import { chatTemplate } from '../prompt/chat-template.ts';

export type ConversionOptions = Omit<PlanningOptions, 'chatTemplate'>;

export interface ConvertCheckpointOptions extends ConversionOptions, Omit<RunOptions, 'codec'> {
  /** A runtime that is open already; two in one process would close each other's log. */
  native?: Native | undefined;
}

/**
 * Converts a checkpoint folder into a GGUF pair with llama.cpp's own row converters.
 * @throws PixtralError as `convert`
 */
export async function convertCheckpoint(folder: string, options: ConvertCheckpointOptions): Promise<Converted> {
  const { native: given, ...rest } = withTemplate(options);
  const opening = given ? Promise.resolve(given) : openNative({ gpu: 'off', onLog: () => {} });
  const codec = opening.then(({ ggml }) => ggml);
  codec.catch(() => undefined); // it is awaited after the planning, which may fail first
  try {
    return await convert(folder, { ...rest, codec });
  } finally {
    if (!given) await closeOpened(opening);
  }
}

/** Libraries that could not be opened were an error of `convert` already, or came second to one. */
async function closeOpened(opening: Promise<Native>): Promise<void> {
  const native = await opening.catch(() => undefined);
  await native?.close();
}

/** What `convertCheckpoint` would write. */
export async function planCheckpoint(folder: string, options: ConversionOptions): Promise<PlannedPair> {
  const source = sourceFiles();
  try {
    return await planPair(folder, { source, options: withTemplate(options) });
  } finally {
    await source.close();
  }
}

function withTemplate<Options extends ConversionOptions>(options: Options): Options & PlanningOptions {
  return { ...options, chatTemplate };
}
