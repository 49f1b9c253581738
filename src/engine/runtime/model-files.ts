import { templateFor } from '../../asking/decisions/decision-prompt.ts';
import { PixtralError } from '../../base/errors.ts';
import { type DecoderConfig, decoderConfig } from '../../decoder/config.ts';
import { readGguf } from '../../gguf/read.ts';
import { optionalCount } from '../../gguf/hyper-parameters.ts';
import type { Gguf, GgufScalarType } from '../../gguf/types.ts';
import { optionalArray, optionalNumber, optionalString } from '../../gguf/values.ts';
import { tekkenFromGguf } from '../../tokenizer/from-gguf.ts';
import type { ImageConfig, Tekken } from '../../tokenizer/tekken.ts';
import { type TowerConfig, towerConfig } from '../../vision/config.ts';

/** A model and its projector as their headers describe them: read, checked against each other, no weights touched. */
export interface ModelFiles {
  model: Gguf;
  mmproj: Gguf;
  decoder: DecoderConfig;
  tower: TowerConfig;
  image: ImageConfig;
  tekken: Tekken;
  /** `general.name`, else the file's name. */
  name: string;
  /** How it is asked to decide where nothing else is asked for. */
  decisionTemplate: string;
}

/** @throws PixtralError `model` when a file is not what it should be or the two do not belong together */
export async function readModelFiles(paths: { model: string; mmproj: string }): Promise<ModelFiles> {
  const [model, mmproj] = await Promise.all([readGguf(paths.model), readGguf(paths.mmproj)]);
  const decoder = decoderConfig(model);
  const tower = towerConfig(mmproj);
  checkPair({ model, mmproj, decoder, tower });
  const image: ImageConfig = {
    patchSize: tower.patchSize,
    maxImageSize: tower.maxImageSize,
    spatialMergeSize: tower.spatialMergeSize,
  };
  const tekken = readTokenizer(model, image);
  if (tekken.vocabularySize !== decoder.vocabularySize) {
    throw new PixtralError(
      'model',
      `${model.path}: the tokenizer has ${tekken.vocabularySize} ids, the weights ${decoder.vocabularySize}`,
      { hint: 'the tokenizer belongs to another model: convert again with the right tekken.json' },
    );
  }
  checkTokenizerKeys(model, tekken.vocabularySize);
  const ownName = optionalString(model, 'general.name');
  return {
    model,
    mmproj,
    decoder,
    tower,
    image,
    tekken,
    name: ownName ?? fileStem(model.path),
    decisionTemplate: templateFor(ownName),
  };
}

/** The tokenizer that a GGUF carries. */
export function readTokenizer(model: Gguf, image: ImageConfig | undefined): Tekken {
  const tokens = optionalArray(model, 'tokenizer.ggml.tokens');
  if (!tokens || tokens.elementType !== 'string') {
    throw new PixtralError('model', `${model.path}: tokenizer.ggml.tokens is missing, expected a list of strings`);
  }
  const types = optionalArray(model, 'tokenizer.ggml.token_type');
  requireElements(model, 'tokenizer.ggml.token_type', { types: ['i32'], count: tokens.count });
  return tekkenFromGguf(
    {
      model: optionalString(model, 'tokenizer.ggml.model'),
      pre: optionalString(model, 'tokenizer.ggml.pre'),
      tokens: { count: tokens.count, bytes: tokens.bytes },
      types: types && new Int32Array(types.bytes.slice().buffer),
      version: optionalString(model, 'pixtral.tokenizer.version'),
      settings: optionalString(model, 'pixtral.tokenizer.model_settings'),
      chatTemplate: optionalString(model, 'tokenizer.chat_template'),
      image,
    },
    model.path,
  );
}

/** The keys of the tokenizer that llama.cpp reads and we do not. */
function checkTokenizerKeys(model: Gguf, count: number): void {
  requireElements(model, 'tokenizer.ggml.scores', { types: ['f32', 'i32'], count });
  if (optionalArray(model, 'tokenizer.ggml.merges')?.elementType !== 'string') {
    throw new PixtralError('model', `${model.path}: tokenizer.ggml.merges is missing, expected a list of strings`);
  }
  for (const key of model.metadata.keys()) {
    if (/^tokenizer\.ggml\.\w+_token_id$/.test(key)) optionalCount(model, key, { min: 0, max: count - 1 });
  }
}

function requireElements(
  model: Gguf,
  key: string,
  { types, count }: { types: readonly GgufScalarType[]; count: number },
): void {
  const found = optionalArray(model, key);
  if (found === undefined || (types.includes(found.elementType) && found.count === count)) return;
  throw new PixtralError(
    'model',
    `${model.path}: ${key} has ${found.count} values of ${found.elementType}, expected ${count} of ${types.join(' or ')}`,
  );
}

function checkPair({
  model,
  mmproj,
  decoder,
  tower,
}: Pick<ModelFiles, 'model' | 'mmproj' | 'decoder' | 'tower'>): void {
  const hint = 'use the mmproj file that was converted together with the model';
  const ids = [model, mmproj].map((gguf) => optionalString(gguf, 'pixtral.pair_id'));
  if (ids[0] !== undefined && ids[1] !== undefined && ids[0] !== ids[1]) {
    throw new PixtralError('model', `${mmproj.path}: belongs to another model than ${model.path}`, { hint });
  }
  if (tower.outputDim !== decoder.dim) {
    throw new PixtralError(
      'model',
      `${mmproj.path}: makes rows of ${tower.outputDim}, ${model.path} expects ${decoder.dim}`,
      { hint },
    );
  }
  if ((optionalNumber(model, 'split.count') ?? 1) > 1) {
    throw new PixtralError('model', `${model.path}: is one part of a split model, expected a single file`, {
      hint: 'join the parts with llama-gguf-split --merge',
    });
  }
}

function fileStem(path: string): string {
  return path.replace(/^.*[/\\]/, '').replace(/\.gguf$/i, '');
}
