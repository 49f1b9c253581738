import { basename, join, resolve } from 'node:path';
import { type GgufLayout, layoutGguf } from '../gguf/write.ts';
import { ggufTokenizer } from '../tokenizer/gguf-keys.ts';
import { modelSettingsBuilder } from '../tokenizer/model-settings.ts';
import type { Tekken } from '../tokenizer/tekken.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { withLora } from '../weights/lora.ts';
import type { Checkpoint } from '../weights/types.ts';
import { type Imatrix, readImatrix } from './imatrix.ts';
import { type TokenizerKeys, modelMetadata, projectorMetadata, tokenizerMetadata } from './metadata.ts';
import type { TensorTypeOverride } from './mixture.ts';
import { readModelCard } from './model-card.ts';
import { pairId } from './pair-id.ts';
import { type ConversionPlan, type PlannedTensor, parameterCount, planConversion } from './plan.ts';
import type { SourceFiles } from './source-files.ts';
import { checkpointTokenizer } from './tokenizer.ts';
import { type ConvertType, type MmprojType, fileTypes } from './types.ts';

export interface PlanningOptions {
  /** Folder for `model.gguf` and `mmproj.gguf`. */
  out: string;
  type: ConvertType;
  mmprojType: MmprojType;
  /** Types of single tensors of the text model. */
  overrides: readonly TensorTypeOverride[];
  /** Path of an importance matrix. */
  imatrix: string | undefined;
  /** Folder of an adapter to be merged into the weights. */
  lora?: string | undefined;
  /** What the weights are called; undefined: as their folder is. */
  name?: string | undefined;
  /** Where the weights came from, for the files' metadata. */
  sourceUrl: string | undefined;
  /** `pixtral 1.2.0`, for the files' metadata. */
  convertedBy: string;
  /** Jinja, for other programs: the template of the tokenizer's version. */
  chatTemplate: (tekken: Pick<Tekken, 'version' | 'settings'>) => string;
}

/** One file of the pair with everything decided. */
export interface PlannedFile {
  path: string;
  tensors: PlannedTensor[];
  layout: GgufLayout;
}

export interface PlannedPair {
  files: PlannedFile[];
  byteLength: number;
  /** What a user should know about the checkpoint. */
  notes: string[];
}

/**
 * Decides everything about a conversion; writes nothing.
 * @throws PixtralError `model` for a faulty checkpoint or importance matrix, `usage` for an idle override
 */
export async function planPair(
  folder: string,
  { source, options }: { source: Pick<SourceFiles, 'readRange'>; options: PlanningOptions },
): Promise<PlannedPair> {
  const opened = await openCheckpoint(folder);
  const checkpoint = options.lora === undefined ? opened : await withLora(opened, options.lora);
  const id = await pairId(checkpoint, source);
  const tokenizer = await tokenizerKeys(checkpoint, options);
  return layOutPair(checkpoint, { id, tokenizer, tensors: await planTensors(checkpoint, options), options });
}

/** What the text model's file says of the tokenizer, whatever type it is converted to. */
export async function tokenizerKeys(
  checkpoint: Checkpoint,
  { chatTemplate }: Pick<PlanningOptions, 'chatTemplate'>,
): Promise<TokenizerKeys> {
  const tekken = await checkpointTokenizer(checkpoint);
  const { version, settings } = tekken;
  return tokenizerMetadata({
    keys: ggufTokenizer(tekken),
    version,
    settings: settings && JSON.stringify(modelSettingsBuilder(settings)),
    chatTemplate: chatTemplate(tekken),
  });
}

/** Which tensors are written, and what for a type that needs one the importance matrix says. */
export interface PlannedTensors extends ConversionPlan {
  imatrix: Imatrix | undefined;
}

/** The tensors of a checkpoint that is open. */
export async function planTensors(
  checkpoint: Checkpoint,
  options: Pick<PlanningOptions, 'type' | 'mmprojType' | 'overrides' | 'imatrix'>,
): Promise<PlannedTensors> {
  const imatrix = options.imatrix === undefined ? undefined : await readImatrix(options.imatrix);
  return { ...planConversion(checkpoint, { ...options, imatrix }), imatrix };
}

interface LayingOut {
  /** Stands in both files, in 32 letters. */
  id: string;
  tokenizer: TokenizerKeys;
  tensors: PlannedTensors;
  options: Omit<PlanningOptions, 'chatTemplate'>;
}

/** The files of a checkpoint that is open. */
export async function layOutPair(checkpoint: Checkpoint, layingOut: LayingOut): Promise<PlannedPair> {
  const files = await layOutFiles(checkpoint, layingOut);
  const byteLength = files.reduce((sum, { layout }) => sum + layout.byteLength, 0);
  return { files, byteLength, notes: [...checkpoint.notes, ...imatrixNotes(files, layingOut.tensors.imatrix)] };
}

async function layOutFiles(
  checkpoint: Checkpoint,
  { id, tokenizer, tensors: { model, projector, imatrix }, options }: LayingOut,
): Promise<PlannedFile[]> {
  const shared = {
    config: checkpoint.config,
    name: (options.name ?? basename(resolve(checkpoint.folder))).replaceAll(/[-_]+/g, ' '),
    pairId: id,
    card: await readModelCard(checkpoint.folder),
    sourceUrl: options.sourceUrl,
    lora: options.lora === undefined ? undefined : basename(resolve(options.lora)),
    convertedBy: options.convertedBy,
  };
  const modelKeys = modelMetadata(
    { ...shared, fileType: fileTypes[options.type].fileType, parameters: parameterCount(model), imatrix },
    tokenizer,
  );
  const projectorKeys = projectorMetadata({
    ...shared,
    fileType: fileTypes[options.mmprojType].fileType,
    parameters: parameterCount(projector),
  });
  return [
    { path: join(options.out, 'model.gguf'), tensors: model, layout: layoutGguf(modelKeys, model) },
    { path: join(options.out, 'mmproj.gguf'), tensors: projector, layout: layoutGguf(projectorKeys, projector) },
  ];
}

function imatrixNotes(files: readonly PlannedFile[], imatrix: Imatrix | undefined): string[] {
  if (imatrix === undefined) return [];
  const used = files.flatMap(({ tensors }) => tensors).filter(({ importance }) => importance !== undefined).length;
  return [`${imatrix.path}: used for ${used} tensors`];
}
