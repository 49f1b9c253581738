import { type Converted, type RunOptions, convert } from '../convert/convert.ts';
import { type PlannedPair, type PlanningOptions, planPair } from '../convert/plan-pair.ts';
import { sourceFiles } from '../convert/source-files.ts';
import { type Native, openNative } from '../native/native.ts';
import { chatTemplate } from '../prompt/chat-template.ts';
import { templates } from '../prompt/template.ts';

export type ConversionOptions = Omit<PlanningOptions, 'chatTemplate'>;

export interface ConvertCheckpointOptions extends ConversionOptions, Omit<RunOptions, 'native'> {
  /** A runtime that is open already; two in one process would close each other's log. */
  native?: Native | undefined;
}

/**
 * Converts a checkpoint folder into a GGUF pair with llama.cpp's own row converters.
 * @throws PixtralError as `convert`
 */
export async function convertCheckpoint(folder: string, options: ConvertCheckpointOptions): Promise<Converted> {
  const native = options.native ?? (await openNative({ gpu: 'off', onLog: () => {} }));
  try {
    return await convert(folder, { ...withTemplate(options), native });
  } finally {
    if (!options.native) await native.close();
  }
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
  return { ...options, chatTemplate: (version) => chatTemplate(templates[version]) };
}
