import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { readGguf } from '../gguf/read.ts';
import { type Gguf, type GgufValue, ggmlTypeName } from '../gguf/types.ts';
import { optionalNumber, optionalString } from '../gguf/values.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import type { Checkpoint } from '../weights/types.ts';
import { pairId } from './pair-id.ts';
import { sourceFiles } from './source-files.ts';
import { checkpointTokenizer } from './tokenizer.ts';

export interface InspectedTensor {
  /** As in the file. */
  name: string;
  /** GGUF name, whatever the file calls it. */
  canonical: string;
  /** `bf16`, `q8_0`, ... */
  type: string;
  /** PyTorch order. */
  shape: number[];
  byteLength: number;
}

export interface TypeShare {
  type: string;
  tensors: number;
  parameters: number;
  byteLength: number;
}

/** What a checkpoint folder, a GGUF file or a converted folder holds, without its weights. */
export interface Inspection {
  path: string;
  kind: 'checkpoint' | 'gguf' | 'pair';
  /** `mistral` or `huggingface` for a checkpoint; `general.architecture` of a GGUF; both of a pair. */
  architecture: string;
  /** `Ministral 3`, of a checkpoint. */
  family: string | undefined;
  name: string | undefined;
  parameters: number;
  /** Of the tensors. */
  byteLength: number;
  /** Largest first. */
  types: TypeShare[];
  tokenizerVersion: string | undefined;
  text: TextSummary | undefined;
  image: ImageSummary | undefined;
  /** The same for the same weights, in a checkpoint of either layout and in what was converted from it. */
  pairId: string | undefined;
  tensors: InspectedTensor[];
  /** Metadata of GGUF files; arrays by length and hash. */
  keys: Record<string, string>;
  notes: string[];
}

export interface TextSummary {
  layers: number | undefined;
  dim: number | undefined;
  vocabularySize: number | undefined;
  contextLength: number | undefined;
}

export interface ImageSummary {
  layers: number | undefined;
  /** Pixels. */
  imageSize: number | undefined;
  patchSize: number | undefined;
  spatialMergeSize: number;
}

/**
 * @param path a checkpoint folder, a GGUF file, or a folder with a converted pair
 * @throws PixtralError `model`
 */
export async function inspect(path: string): Promise<Inspection> {
  const status = await stat(path).catch((cause: unknown) => {
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file or folder' : reasonOf(cause);
    throw new PixtralError('model', `${path}: ${reason}, expected a checkpoint folder or a GGUF file`, { cause });
  });
  if (!status.isDirectory()) return inspectGguf(await readGguf(path));
  const files = await readdir(path);
  const isCheckpoint = files.includes('params.json') || files.includes('config.json');
  if (isCheckpoint || !files.includes('model.gguf')) return inspectCheckpoint(await openCheckpoint(path));
  return inspectPair(path);
}

async function inspectPair(folder: string): Promise<Inspection> {
  const [model, mmproj] = await Promise.all(
    ['model.gguf', 'mmproj.gguf'].map(async (name) => inspectGguf(await readGguf(join(folder, name)))),
  );
  if (model === undefined || mmproj === undefined) throw new Error('two files have two inspections');
  const tensors = [...model.tensors, ...mmproj.tensors];
  const projectorKeys = Object.entries(mmproj.keys).filter(([key]) => key.startsWith('clip.'));
  return {
    ...model,
    path: folder,
    kind: 'pair',
    architecture: `${model.architecture} + ${mmproj.architecture}`,
    ...totals(tensors),
    image: mmproj.image,
    tensors,
    keys: { ...model.keys, ...Object.fromEntries(projectorKeys) },
    notes: [...model.notes, ...mmproj.notes, ...(model.pairId === mmproj.pairId ? [] : ['two files of two pairs'])],
  };
}

async function inspectCheckpoint(checkpoint: Checkpoint): Promise<Inspection> {
  const { folder, layout, config, notes } = checkpoint;
  const { text, vision } = config;
  const tensors = [...checkpoint.tensors]
    .filter(([gguf]) => gguf !== 'v.token_embd.img_break') // a row of another tensor
    .map(([canonical, { name, dtype, shape, byteLength }]) => ({
      name,
      canonical,
      type: dtype.toLowerCase(),
      shape,
      byteLength,
    }));
  return {
    path: folder,
    kind: 'checkpoint',
    architecture: layout,
    family: checkpoint.family,
    name: undefined,
    ...totals(tensors),
    tokenizerVersion: (await checkpointTokenizer(checkpoint)).version,
    text: {
      layers: text.layers,
      dim: text.dim,
      vocabularySize: text.vocabularySize,
      contextLength: text.contextLength,
    },
    image: {
      layers: vision.layers,
      imageSize: vision.imageSize,
      patchSize: vision.patchSize,
      spatialMergeSize: vision.spatialMergeSize,
    },
    pairId: await idOf(checkpoint),
    tensors,
    keys: {},
    notes,
  };
}

async function idOf(checkpoint: Checkpoint): Promise<string> {
  const source = sourceFiles();
  try {
    return await pairId(checkpoint, source);
  } finally {
    await source.close();
  }
}

function inspectGguf(gguf: Gguf): Inspection {
  const architecture = optionalString(gguf, 'general.architecture') ?? 'unknown';
  const tensors = [...gguf.tensors.values()].map(({ name, type, dims, byteLength }) => ({
    name,
    canonical: name,
    type: ggmlTypeName(type),
    shape: dims.toReversed(),
    byteLength,
  }));
  const shards = optionalNumber(gguf, 'split.count') ?? 1;
  return {
    path: gguf.path,
    kind: 'gguf',
    architecture,
    family: undefined,
    name: optionalString(gguf, 'general.name'),
    ...totals(tensors),
    tokenizerVersion: optionalString(gguf, 'pixtral.tokenizer.version'),
    text: architecture === 'clip' ? undefined : textSummary(gguf, architecture),
    image: architecture === 'clip' ? imageSummary(gguf) : undefined,
    pairId: optionalString(gguf, 'pixtral.pair_id'),
    tensors,
    keys: Object.fromEntries([...gguf.metadata].map(([key, value]) => [key, shown(value)])),
    notes: shards > 1 ? [`one of ${shards} split files`] : [],
  };
}

function shown(value: GgufValue): string {
  if (value.type !== 'array') return String(value.value);
  const hash = createHash('sha256').update(value.bytes).digest('hex').slice(0, 12);
  return `${value.elementType}[${value.count}] ${hash}`;
}

function textSummary(gguf: Gguf, architecture: string): TextSummary {
  const tokens = gguf.metadata.get('tokenizer.ggml.tokens');
  return {
    layers: optionalNumber(gguf, `${architecture}.block_count`),
    dim: optionalNumber(gguf, `${architecture}.embedding_length`),
    vocabularySize: tokens?.type === 'array' ? tokens.count : optionalNumber(gguf, `${architecture}.vocab_size`),
    contextLength: optionalNumber(gguf, `${architecture}.context_length`),
  };
}

function imageSummary(gguf: Gguf): ImageSummary {
  return {
    layers: optionalNumber(gguf, 'clip.vision.block_count'),
    imageSize: optionalNumber(gguf, 'clip.vision.image_size'),
    patchSize: optionalNumber(gguf, 'clip.vision.patch_size'),
    spatialMergeSize: optionalNumber(gguf, 'clip.vision.spatial_merge_size') ?? 1,
  };
}

function totals(tensors: readonly InspectedTensor[]): Pick<Inspection, 'parameters' | 'byteLength' | 'types'> {
  const shares = new Map<string, TypeShare>();
  for (const { type, shape, byteLength } of tensors) {
    const share = shares.get(type) ?? { type, tensors: 0, parameters: 0, byteLength: 0 };
    share.tensors++;
    share.parameters += shape.reduce((product, dim) => product * dim, 1);
    share.byteLength += byteLength;
    shares.set(type, share);
  }
  const types = [...shares.values()].sort((a, b) => b.byteLength - a.byteLength);
  return {
    parameters: types.reduce((sum, share) => sum + share.parameters, 0),
    byteLength: types.reduce((sum, share) => sum + share.byteLength, 0),
    types,
  };
}
