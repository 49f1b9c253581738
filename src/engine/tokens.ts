import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { readRegular } from '../base/regular-file.ts';
import { checkpointTokenizer, imageConfigOf } from '../convert/tokenizer.ts';
import { readGguf } from '../gguf/read.ts';
import type { Source } from '../image/sources/sources.ts';
import { maxTokenizerBytes } from '../weights/image-tokens.ts';
import type { Message } from '../prompt/message.ts';
import { tekkenFromHuggingFace } from '../tokenizer/from-huggingface.ts';
import { tekkenFromJson } from '../tokenizer/from-tekken-json.ts';
import type { ImageConfig, Tekken } from '../tokenizer/tekken.ts';
import { towerConfig } from '../vision/config.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { demoCheckpoint } from './runtime/demo.ts';
import type { PictureReceipt } from '../asking/events.ts';
import { type PromptOptions, planAnswer } from './answers/answer-plan.ts';
import { loadMessages } from '../asking/pictures/message-pictures.ts';
import { readTokenizer } from './runtime/model-files.ts';
import type { PictureOptions } from '../asking/pictures/picture-chunks.ts';
import { pictureReceipt } from '../asking/pictures/receipt.ts';
import { isDemo, resolveModel } from './runtime/resolve.ts';
import { noGpu } from './runtime/working-gpu.ts';

/** A prompt as the model would read it. */
export interface Layout {
  /** Its version: v3, v7, ... */
  tokenizer: string;
  ids: number[];
  /** One per id, to show. */
  pieces: string[];
  images: PictureReceipt[];
}

/** Where the tokenizer is. */
export interface TokenizerOptions {
  /** A GGUF, a converted folder, a checkpoint folder, or a tekken.json. */
  model: string | undefined;
  mmproj: string | undefined;
  /** The user's cache folder. */
  cache: string;
}

/** Lays a prompt out without loading weights. */
export async function promptLayout(
  messages: readonly Message<Source>[],
  options: TokenizerOptions & Omit<PictureOptions, 'image'> & { asked: PromptOptions },
): Promise<Layout> {
  const { tekken, image } = await openTokenizer(options);
  const loaded = await loadMessages(messages, { ...options, image, keep: 'layout', maxImageTokens: Infinity });
  const { runs } = planAnswer({ messages: loaded, options: options.asked }, tekken);
  const ids = runs.flatMap((run) => run.ids);
  return {
    tokenizer: tekken.version,
    ids,
    pieces: ids.map((id) => tekken.label(id)),
    images: runs.flatMap((run) => (run.kind === 'image' ? [pictureReceipt(run.image)] : [])),
  };
}

/** How a model divides pictures. */
export async function modelImageConfig(options: TokenizerOptions): Promise<ImageConfig> {
  return (await openTokenizer(options)).image;
}

async function openTokenizer({
  model: named,
  mmproj,
  cache,
}: TokenizerOptions): Promise<{ tekken: Tekken; image: ImageConfig }> {
  const model = named !== undefined && (await isDemo(named)) ? demoCheckpoint : named;
  if (model !== undefined && (await isFolder(model))) {
    const files = await readdir(model);
    if (files.includes('params.json') || files.includes('config.json')) {
      const checkpoint = await openCheckpoint(model);
      return { tekken: await checkpointTokenizer(checkpoint), image: imageConfigOf(checkpoint.config) };
    }
  }
  if (model !== undefined && basename(model).endsWith('.json')) return fileTokenizer(model);
  const paths = await resolveModel({ model, mmproj, cache, ...noGpu });
  const tower = towerConfig(await readGguf(paths.mmproj));
  const image = {
    patchSize: tower.patchSize,
    maxImageSize: tower.maxImageSize,
    spatialMergeSize: tower.spatialMergeSize,
  };
  return { tekken: readTokenizer(await readGguf(paths.model), image), image };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file or folder' : reasonOf(cause);
    throw new PixtralError('model', `${path}: ${reason}`, { cause });
  }
}

async function fileTokenizer(path: string): Promise<{ tekken: Tekken; image: ImageConfig }> {
  const bytes = await readRegular(path, maxTokenizerBytes).catch((cause: unknown) => {
    throw new PixtralError('model', `${path}: ${reasonOf(cause)}, expected a tokenizer`, { cause });
  });
  const tekken = basename(path) === 'tokenizer.json' ? tekkenFromHuggingFace(bytes, path) : tekkenFromJson(bytes, path);
  if (!tekken.image) {
    throw new PixtralError('model', `${path}: says nothing about images`, {
      hint: `name the folder instead: --model ${dirname(join(path))}`,
    });
  }
  return { tekken, image: tekken.image };
}
