import { basename, join, resolve } from 'node:path';
import { type GgufLayout, layoutGguf } from '../gguf/write.ts';
import { ggufTokenizer } from '../tokenizer/gguf-keys.ts';
import { modelSettingsBuilder } from '../tokenizer/model-settings.ts';
import type { Tekken } from '../tokenizer/tekken.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { withLora } from '../weights/lora.ts';
import type { Checkpoint } from '../weights/types.ts';
import { type Imatrix, readImatrix } from './imatrix.ts';
import { modelMetadata, projectorMetadata } from './metadata.ts';
import type { TensorTypeOverride } from './mixture.ts';
import { readModelCard } from './model-card.ts';
import { pairId } from './pair-id.ts';
import { type PlannedTensor, parameterCount, planConversion } from './plan.ts';
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
  return planCheckpointPair(checkpoint, { id: await pairId(checkpoint, source), options });
}

/** As `planPair`, of a checkpoint that is open. `id` stands in both files, in 32 letters. */
export async function planCheckpointPair(
  checkpoint: Checkpoint,
  { id, options }: { id: string; options: PlanningOptions },
): Promise<PlannedPair> {
  const tekken = await checkpointTokenizer(checkpoint);
  const imatrix = options.imatrix === undefined ? undefined : await readImatrix(options.imatrix);
  const files = await layOut(checkpoint, { tekken, imatrix, id, options });
  const byteLength = files.reduce((sum, { layout }) => sum + layout.byteLength, 0);
  return { files, byteLength, notes: [...checkpoint.notes, ...imatrixNotes(files, imatrix)] };
}

interface LayingOut {
  tekken: Tekken;
  imatrix: Imatrix | undefined;
  id: string;
  options: PlanningOptions;
}

async function layOut(checkpoint: Checkpoint, { tekken, imatrix, id, options }: LayingOut): Promise<PlannedFile[]> {
  const { model, projector } = planConversion(checkpoint, { ...options, imatrix });
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
    {
      keys: ggufTokenizer(tekken),
      version: tekken.version,
      settings: tekken.settings && JSON.stringify(modelSettingsBuilder(tekken.settings)),
      chatTemplate: options.chatTemplate(tekken),
    },
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
