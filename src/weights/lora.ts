import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError, reasonOf } from '../base/errors.ts';
import { canonicalTensors, nameAt } from './canonical.ts';
import { floatsOf } from './floats.ts';
import { huggingFaceNames, oldestName, permutedHeads } from './huggingface.ts';
import { type JsonObject, isRecord, number, optionalBoolean, optionalField, optionalString, readJson } from './json.ts';
import { type SafeTensor, readSafetensors } from './safetensors.ts';
import type { Checkpoint, LowRank, SourceTensor, StoredFloats } from './types.ts';

/** Known configs have about a kilobyte; patterns may name every layer. */
const maxConfigBytes = 1024 * 1024;

/**
 * The checkpoint with an adapter of PEFT to be merged into it: each matrix that the adapter trained becomes
 * W + scale B A. The adapter is named as the modules of transformers are, whatever the checkpoint's layout.
 * @param folder adapter_config.json and adapter_model.safetensors
 * @throws PixtralError `model` for an adapter that is not plain LoRA, or is another model's
 */
export async function withLora(checkpoint: Checkpoint, folder: string): Promise<Checkpoint> {
  const files = await readdir(folder).catch((cause: unknown) => {
    throw new PixtralError('model', `${folder}: ${reasonOf(cause)}, expected the folder of an adapter`, { cause });
  });
  if (!files.includes('adapter_config.json') || !files.includes('adapter_model.safetensors')) {
    throw new PixtralError(
      'model',
      `${folder}: no adapter found, expected adapter_config.json and adapter_model.safetensors`,
    );
  }
  const config = await readJson(join(folder, 'adapter_config.json'), maxConfigBytes);
  checkKind(config);
  const found = await readSafetensors(join(folder, 'adapter_model.safetensors'));
  const tensors = new Map(checkpoint.tensors);
  const pairs = pairsOf(found, folder);
  for (const target of targetsOf(checkpoint, pairs, folder)) {
    const source = tensors.get(target.gguf)!;
    tensors.set(target.gguf, { ...source, lowRank: lowRankOf(target, { source, config }) });
  }
  const base = optionalString(config, 'base_model_name_or_path');
  const notes = [
    ...checkpoint.notes,
    `${folder}: merged into ${pairs.size} tensors${base ? `; trained on ${base}` : ''}`,
  ];
  return { ...checkpoint, tensors, notes };
}

const hint = 'merge it with PEFT (merge_and_unload, then save_pretrained), and convert the folder that this writes';

function refuse(where: string, finding: string): never {
  throw new PixtralError('model', `${where}: ${finding}, expected a plain LoRA adapter`, { hint });
}

/** What PEFT writes into a config, and with which values its adapter is W + scale B A and no more (lora/config.py). */
const plain: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ['LORA'],
  bias: ['none'],
  lora_bias: [false],
  fan_in_fan_out: [false],
  use_dora: [false],
  use_qalora: [false],
  layer_replication: [],
  target_parameters: [],
  trainable_token_indices: [],
  modules_to_save: [],
  use_bdlora: [],
  arrow_config: [],
  kasa_config: [],
  monteclora_config: [],
  alora_invocation_tokens: [],
  /** The others change the weights that the adapter is added to. */
  init_lora_weights: [true, false, 'gaussian', 'eva', 'orthogonal'],
};

function checkKind(config: JsonObject): void {
  if (optionalField(config, 'peft_type') === undefined) refuse(config.where, 'lacks peft_type');
  for (const [key, allowed] of Object.entries(plain)) {
    const value = optionalField(config, key);
    const isEmpty = Array.isArray(value) && value.length === 0;
    if (value === undefined || isEmpty || allowed.includes(value)) continue;
    refuse(config.where, `${key} is ${JSON.stringify(value).slice(0, 60)}`);
  }
}

interface Pair {
  a: SafeTensor;
  b: SafeTensor;
}

/** By the module's name, as it stands in the model that was trained. */
function pairsOf(found: ReadonlyMap<string, SafeTensor>, folder: string): Map<string, Pair> {
  const halves = new Map<string, Partial<Pair>>();
  for (const tensor of found.values()) {
    const [, module, which] = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(tensor.name) ?? [];
    if (module === undefined) refuse(tensor.path, `tensor ${tensor.name} is none of lora_A and lora_B`);
    const half = halves.get(module) ?? {};
    halves.set(module, { ...half, [which === 'A' ? 'a' : 'b']: tensor });
  }
  if (halves.size === 0) refuse(folder, 'the adapter holds no tensors');
  return new Map(
    [...halves].map(([module, { a, b }]) => {
      if (!a || !b) refuse(folder, `${module} has only one of lora_A and lora_B`);
      return [module, { a, b }];
    }),
  );
}

interface Target extends Pair {
  module: string;
  gguf: string;
  permuteHeads: number | undefined;
}

function targetsOf(checkpoint: Checkpoint, pairs: ReadonlyMap<string, Pair>, folder: string): Target[] {
  const known = new Map(
    canonicalTensors(checkpoint.config).map(({ gguf, pattern, layer }) => {
      const permuteHeads = permutedHeads(pattern, checkpoint.config);
      return [nameAt(huggingFaceNames[pattern] ?? pattern, layer), { gguf, permuteHeads }] as const;
    }),
  );
  return [...pairs].map(([module, pair]) => {
    const target = known.get(oldestName(`${module}.weight`));
    if (!target) {
      throw new PixtralError('model', `${folder}: the adapter trained ${module}, which the model does not have`, {
        hint: 'give the checkpoint that the adapter was trained on',
      });
    }
    const isEmbedding = target.gguf === 'token_embd.weight';
    if (isEmbedding || checkpoint.tensors.get(target.gguf)?.shape.length !== 2)
      refuse(folder, `${module} is no linear layer`);
    return { ...pair, ...target, module };
  });
}

function lowRankOf(
  { module, a, b, permuteHeads }: Target,
  { source, config }: { source: SourceTensor; config: JsonObject },
): LowRank {
  const [rows = 0, columns = 0] = source.shape;
  const [rank = 0] = a.shape;
  const stated = patterned(config, 'rank_pattern', module) ?? number(config, 'r', { min: 1, max: 65_536 });
  if (rank !== stated || !isShape(a, [rank, columns]) || !isShape(b, [rows, rank])) {
    throw new PixtralError(
      'model',
      `${a.path}: ${module} is [${b.shape.join(', ')}] x [${a.shape.join(', ')}], expected [${rows}, ${stated}] x [${stated}, ${columns}]`,
      { hint: 'give the checkpoint that the adapter was trained on' },
    );
  }
  const range = { min: -1e9, max: 1e9 };
  const alpha = patterned(config, 'alpha_pattern', module) ?? number(config, 'lora_alpha', range);
  const isStabilised = optionalBoolean(config, 'use_rslora') ?? false;
  return {
    a: requireFloats(a),
    b: requireFloats(b),
    scale: Math.fround(alpha / (isStabilised ? Math.sqrt(rank) : rank)),
    ...(permuteHeads !== undefined && { permuteHeads }),
  };
}

function isShape({ shape }: SafeTensor, [rows, columns]: readonly [number, number]): boolean {
  return shape.length === 2 && shape[0] === rows && shape[1] === columns;
}

function requireFloats(tensor: SafeTensor): StoredFloats {
  const { dtype, path, name } = tensor;
  if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return { ...tensor, dtype };
  throw new PixtralError('model', `${path}: tensor ${name}: is ${dtype}, expected ${Object.keys(floatsOf).join(', ')}`);
}

/**
 * The number that a pattern gives a module: the first whose end of the name it matches, as in PEFT (get_pattern_key).
 * Only names are patterns here: anything more could keep a matcher busy for ever.
 */
function patterned(config: JsonObject, key: string, module: string): number | undefined {
  const patterns = optionalField(config, key);
  if (patterns === undefined) return undefined;
  if (!isRecord(patterns)) refuse(config.where, `${key} is no object`);
  for (const [pattern, value] of Object.entries(patterns)) {
    if (!/^\^?[\w.]+$/.test(pattern)) refuse(config.where, `${key} holds the expression ${pattern.slice(0, 60)}`);
    if (typeof value !== 'number' || !(value > 0 && value <= 1e9)) refuse(config.where, `${key} holds no number`);
    if (new RegExp(`^(.*\\.)?(${pattern})$`).test(module)) return value;
  }
  return undefined;
}
