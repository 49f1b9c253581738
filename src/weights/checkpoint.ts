import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { type OpenRanged, openOnDisk } from '../base/ranged-file.ts';
import { type CanonicalTensor, canonicalTensors, nameAt } from './canonical.ts';
import {
  isSentencePiece,
  refuseMistralRelatives,
  sentencePieceFinding,
  sentencePieceHint,
} from './families/out-of-scope.ts';
import {
  huggingFaceConfig,
  huggingFaceFamily,
  huggingFaceImageTokens,
  huggingFaceNames,
  oldestName,
  permutedHeads,
  saysGelu,
  statedBlocks,
} from './huggingface.ts';
import { imageTokenIds } from './image-tokens.ts';
import { readJson } from './json.ts';
import { mistralConfig, mistralFamily, mistralImageTokens, mistralNames } from './mistral.ts';
import type { SafeTensor } from './safetensors.ts';
import { type ScaledTensor, readScales, requireScale, scalesOfRow } from './scales.ts';
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
  refuseMistralRelatives(params);
  const tokenizer = findTokenizer(folder, files);
  const config = mistralConfig(params, await imageTokenIds(mistralImageTokens(params), [tokenizer.path]));
  checkConfig(config, params.where);
  const found = await readShards(folder, { files, shards: mistralShards, open });
  const tensors = await pickTensors(canonicalTensors(config), {
    folder,
    found,
    open,
    config,
    blocks: undefined,
    nameOf: ({ pattern, layer }) => nameAt(mistralNames[pattern] ?? pattern, layer),
    scaleOf: (name) => name.replace(/weight$/, 'qscale_weight'),
    headsOf: () => undefined,
  });
  const notes = both ? ["the folder holds both layouts: Mistral's own is used"] : [];
  const { name: family } = mistralFamily(params);
  return { folder, layout: 'mistral', family, config, tensors, tokenizer, notes };
}

async function openHuggingFace(
  folder: string,
  { files, open }: { files: readonly string[]; open: OpenRanged },
): Promise<Checkpoint> {
  const json = await readJson(join(folder, 'config.json'), maxConfigBytes);
  const { name: family } = huggingFaceFamily(json);
  const tokenizer = findTokenizer(folder, files);
  const found = await readShards(folder, { files, shards: huggingFaceShards, open });
  const byOldestName = renamed(found);
  const imageTokens = await imageTokenIds(huggingFaceImageTokens(json), [tokenizer.path]);
  const hasOutput = byOldestName.has('language_model.lm_head.weight');
  const config = huggingFaceConfig(json, { imageTokens, hasOutput });
  checkConfig(config, json.where);
  const tensors = await pickTensors(canonicalTensors(config), {
    folder,
    found: byOldestName,
    open,
    config,
    blocks: statedBlocks(json),
    nameOf: ({ pattern, layer }) => nameAt(huggingFaceNames[pattern] ?? pattern, layer),
    scaleOf: (name) => `${name}_scale_inv`,
    headsOf: ({ pattern }) => permutedHeads(pattern, config),
  });
  const notes = saysGelu(json) ? ['config.json names GELU for the vision tower, a known mistake: SiLU is used'] : [];
  return { folder, layout: 'huggingface', family, config, tensors, tokenizer, notes };
}

/** tekken.json wins: it is Mistral's own and says which version it is. */
function findTokenizer(folder: string, files: readonly string[]): Checkpoint['tokenizer'] {
  if (files.includes('tekken.json')) return { path: join(folder, 'tekken.json'), kind: 'tekken' };
  if (files.includes('tokenizer.json')) return { path: join(folder, 'tokenizer.json'), kind: 'huggingface' };
  if (files.some(isSentencePiece)) {
    throw new PixtralError('model', `${folder}: ${sentencePieceFinding}`, { hint: sentencePieceHint });
  }
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
  open: OpenRanged;
  config: ModelConfig;
  /** Rows and columns of a block of 8-bit weights, as the config says. */
  blocks: readonly [rows: number, columns: number] | undefined;
  nameOf: (tensor: CanonicalTensor) => string;
  /** The name of a tensor's scales. */
  scaleOf: (name: string) => string;
  headsOf: (tensor: CanonicalTensor) => number | undefined;
}

/** Buffers that older exports wrote beside the weights, and how activations and the KV cache are rounded to 8 bits. */
const ignored =
  /(\.rotary_emb\.inv_freq|\.attention\.(masked_)?bias|\.qscale_act|[._]activation_scale|\.kv_fake_quantizer\.[\w.]+)$/;

async function pickTensors(
  wanted: readonly CanonicalTensor[],
  { folder, found, open, config, blocks, nameOf, scaleOf, headsOf }: Picking,
): Promise<Map<string, SourceTensor>> {
  const rest = new Map(found);
  const tensors = new Map<string, SourceTensor>();
  const scaled: ScaledTensor[] = [];
  for (const tensor of wanted) {
    const name = nameOf(tensor);
    const heads = headsOf(tensor);
    const source = requireTensor(found.get(name), { folder, name, shape: tensor.shape });
    tensors.set(tensor.gguf, heads === undefined ? source : { ...source, permuteHeads: heads });
    rest.delete(name);
    if (source.dtype !== 'F8_E4M3') continue;
    scaled.push({ gguf: tensor.gguf, source, scale: requireScale(found.get(scaleOf(name)), source) });
    rest.delete(scaleOf(name));
  }
  for (const [gguf, scales] of await readScales(scaled, { blocks, open })) {
    tensors.set(gguf, { ...tensors.get(gguf)!, scales });
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
  const row = { ...embeddings, shape: [text.dim], offset, byteLength };
  return tensors.set('v.token_embd.img_break', {
    ...row,
    ...(embeddings.scales && { scales: scalesOfRow(embeddings.scales, vision.imageBreakTokenId) }),
  });
}
