import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { type OpenRanged, openOnDisk } from '../base/ranged-file.ts';
import { type CanonicalTensor, canonicalTensors, nameAt } from './canonical.ts';
import {
  huggingFaceConfig,
  huggingFaceImageTokens,
  huggingFaceNames,
  oldestName,
  permutedHeads,
  saysGelu,
} from './huggingface.ts';
import { imageTokenIds } from './image-tokens.ts';
import { readJson } from './json.ts';
import { mistralConfig, mistralImageTokens, mistralNames } from './mistral.ts';
import type { SafeTensor } from './safetensors.ts';
import { type ShardNames, hasShards, readShards } from './shards.ts';
import { checkConfig, requireTensor } from './check.ts';
import type { Checkpoint, ModelConfig, SourceTensor } from './types.ts';

const mistralShards: ShardNames = {
  pattern: /^consolidated(-\d{5}-of-\d{5})?\.safetensors$/,
  index: 'consolidated.safetensors.index.json',
};
const huggingFaceShards: ShardNames = {
  pattern: /^model(-\d{5}-of-\d{5})?\.safetensors$/,
  index: 'model.safetensors.index.json',
};
/** Known configs have about a kilobyte. */
const maxConfigBytes = 1024 * 1024;

/**
 * Opens a folder of weights in Mistral's layout or Hugging Face's and checks every tensor's name, type, shape and
 * place. Headers and configs are read, weights are not. A folder that holds both is read in Mistral's: nothing has to
 * be permuted back.
 * @throws PixtralError `model`
 */
export async function openCheckpoint(folder: string, open: OpenRanged = openOnDisk): Promise<Checkpoint> {
  const files = await readdir(folder).catch((cause: unknown) => {
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such folder' : reasonOf(cause);
    throw new PixtralError('model', `${folder}: ${reason}, expected a folder of weights`, { cause });
  });
  const mistral = files.includes('params.json') && hasShards(files, mistralShards);
  const huggingFace = files.includes('config.json') && hasShards(files, huggingFaceShards);
  if (mistral) return openMistral(folder, { files, both: huggingFace, open });
  if (huggingFace) return openHuggingFace(folder, { files, open });
  throw new PixtralError('model', `${folder}: no checkpoint found, expected params.json or config.json with weights`, {
    hint: 'the folder holds params.json and consolidated.safetensors, or config.json and model*.safetensors',
  });
}

async function openMistral(
  folder: string,
  { files, both, open }: { files: readonly string[]; both: boolean; open: OpenRanged },
): Promise<Checkpoint> {
  const params = await readJson(join(folder, 'params.json'), maxConfigBytes);
  const tokenizer = findTokenizer(folder, files);
  const config = mistralConfig(params, await imageTokenIds(mistralImageTokens(params), [tokenizer.path]));
  checkConfig(config, params.where);
  const found = await readShards(folder, { files, shards: mistralShards, open });
  const tensors = pickTensors(canonicalTensors(config), {
    folder,
    found,
    config,
    nameOf: ({ pattern, layer }) => nameAt(mistralNames[pattern] ?? pattern, layer),
    headsOf: () => undefined,
  });
  const notes = both ? ["the folder holds both layouts: Mistral's own is used"] : [];
  return { folder, layout: 'mistral', config, tensors, tokenizer, notes };
}

async function openHuggingFace(
  folder: string,
  { files, open }: { files: readonly string[]; open: OpenRanged },
): Promise<Checkpoint> {
  const json = await readJson(join(folder, 'config.json'), maxConfigBytes);
  const tokenizer = findTokenizer(folder, files);
  const found = await readShards(folder, { files, shards: huggingFaceShards, open });
  const byOldestName = renamed(found);
  const imageTokens = await imageTokenIds(huggingFaceImageTokens(json), [tokenizer.path]);
  const hasOutput = byOldestName.has('language_model.lm_head.weight');
  const config = huggingFaceConfig(json, { imageTokens, hasOutput });
  checkConfig(config, json.where);
  const tensors = pickTensors(canonicalTensors(config), {
    folder,
    found: byOldestName,
    config,
    nameOf: ({ pattern, layer }) => nameAt(huggingFaceNames[pattern] ?? pattern, layer),
    headsOf: ({ pattern }) => permutedHeads(pattern, config),
  });
  const notes = saysGelu(json) ? ['config.json names GELU for the vision tower, a known mistake: SiLU is used'] : [];
  return { folder, layout: 'huggingface', config, tensors, tokenizer, notes };
}

/** tekken.json wins: it is Mistral's own and says which version it is. */
function findTokenizer(folder: string, files: readonly string[]): Checkpoint['tokenizer'] {
  if (files.includes('tekken.json')) return { path: join(folder, 'tekken.json'), kind: 'tekken' };
  if (files.includes('tokenizer.json')) return { path: join(folder, 'tokenizer.json'), kind: 'huggingface' };
  throw new PixtralError('model', `${folder}: no tokenizer found, expected tekken.json or tokenizer.json`);
}

function renamed(found: ReadonlyMap<string, SafeTensor>): Map<string, SafeTensor> {
  const tensors = new Map<string, SafeTensor>();
  for (const tensor of found.values()) {
    const name = oldestName(tensor.name);
    const other = tensors.get(name);
    if (other !== undefined) {
      throw new PixtralError('model', `${tensor.path}: ${tensor.name} and ${other.name} are the same tensor`);
    }
    tensors.set(name, tensor);
  }
  return tensors;
}

interface Picking {
  folder: string;
  /** By the layout's name. */
  found: Map<string, SafeTensor>;
  config: ModelConfig;
  nameOf: (tensor: CanonicalTensor) => string;
  headsOf: (tensor: CanonicalTensor) => number | undefined;
}

/** Buffers that older exports wrote beside the weights. */
const ignored = /(\.rotary_emb\.inv_freq|\.attention\.(masked_)?bias)$/;

function pickTensors(
  wanted: readonly CanonicalTensor[],
  { folder, found, config, nameOf, headsOf }: Picking,
): Map<string, SourceTensor> {
  const rest = new Map(found);
  const tensors = new Map<string, SourceTensor>();
  for (const tensor of wanted) {
    const name = nameOf(tensor);
    const heads = headsOf(tensor);
    const source = requireTensor(found.get(name), { folder, name, shape: tensor.shape });
    tensors.set(tensor.gguf, heads === undefined ? source : { ...source, permuteHeads: heads });
    rest.delete(name);
  }
  refuseExtras(
    [...rest.keys()].filter((name) => !ignored.test(name)),
    folder,
  );
  return withBreakRow(tensors, config);
}

function refuseExtras(names: readonly string[], folder: string): void {
  if (names.length === 0) return;
  const shown = names.slice(0, 3).join(', ') + (names.length > 3 ? ', ...' : '');
  throw new PixtralError('model', `${folder}: ${names.length} tensors that no Pixtral has: ${shown}`);
}

/** The projector holds the embedding row of [IMG_BREAK], so that a reader of that file alone can lay an image out. */
function withBreakRow(tensors: Map<string, SourceTensor>, { text, vision }: ModelConfig): Map<string, SourceTensor> {
  const embeddings = tensors.get('token_embd.weight');
  if (embeddings === undefined) return tensors;
  const byteLength = embeddings.byteLength / text.vocabularySize;
  const offset = embeddings.offset + vision.imageBreakTokenId * byteLength;
  return tensors.set('v.token_embd.img_break', { ...embeddings, shape: [text.dim], offset, byteLength });
}
