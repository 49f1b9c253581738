import { join } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { readRegular } from '../base/regular-file.ts';
import { tekkenFromHuggingFace } from '../tokenizer/from-huggingface.ts';
import { tekkenFromJson } from '../tokenizer/from-tekken-json.ts';
import type { ImageConfig, Tekken } from '../tokenizer/tekken.ts';
import { maxTokenizerBytes } from '../weights/image-tokens.ts';
import { type JsonObject, isRecord, optionalField, parseJson } from '../weights/json.ts';
import type { Checkpoint, ModelConfig } from '../weights/types.ts';

/** The image sizes that the weights were trained with. */
export function imageConfigOf({ vision }: ModelConfig): ImageConfig {
  return {
    patchSize: vision.patchSize,
    maxImageSize: vision.imageSize,
    spatialMergeSize: vision.spatialMergeSize,
  };
}

/**
 * The tokenizer of a checkpoint. Hugging Face's file names no version: its chat template and image sizes tell.
 * @throws PixtralError `model` when it is not a tokenizer, or has another number of tokens than the weights
 */
export async function checkpointTokenizer(checkpoint: Checkpoint): Promise<Tekken> {
  const { path, kind } = checkpoint.tokenizer;
  const bytes = await readRegular(path, maxTokenizerBytes).catch((cause: unknown) => {
    throw new PixtralError('model', `${path}: cannot read the tokenizer: ${reasonOf(cause)}`, { cause });
  });
  const expected = checkpoint.config.text.vocabularySize;
  const tekken =
    kind === 'tekken'
      ? tekkenFromJson(bytes, path)
      : tekkenFromHuggingFace(bytes, path, {
          chatTemplate: await publishedTemplate(checkpoint.folder),
          image: imageConfigOf(checkpoint.config),
          rows: expected,
        });
  if (tekken.vocabularySize === expected) return tekken;
  throw new PixtralError('model', `${path}: has ${tekken.vocabularySize} tokens, expected the model's ${expected}`, {
    hint: 'use the tokenizer that belongs to these weights',
  });
}

/** The chat template of a Hugging Face folder; it has stood in three places over the years. */
async function publishedTemplate(folder: string): Promise<string | undefined> {
  const own = await optionalFile(join(folder, 'chat_template.jinja'));
  if (own !== undefined) return Buffer.from(own).toString();
  for (const name of ['chat_template.json', 'tokenizer_config.json']) {
    const path = join(folder, name);
    const bytes = await optionalFile(path);
    const template = bytes && templateIn(parseJson(bytes, path));
    if (template !== undefined) return template;
  }
  return undefined;
}

async function optionalFile(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readRegular(path, maxTokenizerBytes);
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw new PixtralError('model', `${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** One template, or several with names of which `default` counts. */
function templateIn(json: JsonObject): string | undefined {
  const value = optionalField(json, 'chat_template');
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const named: unknown = value.find((entry) => isRecord(entry) && entry['name'] === 'default');
  return isRecord(named) && typeof named['template'] === 'string' ? named['template'] : undefined;
}
