import { PixtralError } from '../base/errors.ts';
import {
  type Bounds,
  expectDefault,
  optionalCount,
  optionalReal,
  requireCount,
  requireReal,
} from '../gguf/hyper-parameters.ts';
import { type TensorRule, checkTensors } from '../gguf/tensor-table.ts';
import type { Gguf } from '../gguf/types.ts';
import { requireString } from '../gguf/values.ts';

/** Shape of the text decoder, as its GGUF file states it. */
export interface DecoderConfig {
  dim: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  hiddenDim: number;
  /** Tokens. */
  trainedContext: number;
  vocabularySize: number;
}

/** Architectures of Pixtral's text decoders: Pixtral-12B is `llama`, newer ones of the family `mistral3`. */
const architectures = ['llama', 'mistral3'];

/** Far above every model of the family; a corrupt header must not size an allocation or a list. */
const limits = {
  width: { min: 1, max: 1 << 20 },
  /** LLAMA_MAX_LAYERS, an assertion of llama.cpp. */
  layers: { min: 1, max: 512 },
  heads: { min: 1, max: 4096 },
  headDim: { min: 2, max: 4096 },
  tokens: { min: 1, max: 2 ** 31 - 1 },
} as const satisfies Record<string, Bounds>;

/**
 * Reads and checks the decoder's configuration and its tensors' names, shapes and types before llama.cpp sees the
 * file: what does not hold together ends the process there (GGML_ASSERT).
 * @throws PixtralError `model`
 */
export function decoderConfig(gguf: Gguf): DecoderConfig {
  const architecture = requireString(gguf, 'general.architecture');
  if (!architectures.includes(architecture)) {
    throw new PixtralError(
      'model',
      `${gguf.path}: its architecture is ${architecture.slice(0, 40)}, expected ${architectures.join(' or ')}`,
      {
        hint: architecture === 'clip' ? 'this is a projector: give it with --mmproj' : 'give a Pixtral model',
      },
    );
  }
  const config = readConfig(gguf, architecture);
  checkHeads(gguf, architecture, config);
  checkRope(gguf, architecture, config);
  checkUnused(gguf, architecture, config);
  checkTensors(gguf, decoderTensors(config));
  return config;
}

function readConfig(gguf: Gguf, architecture: string): DecoderConfig {
  const count = (key: string, bounds: Bounds): number => requireCount(gguf, `${architecture}.${key}`, bounds);
  const dim = count('embedding_length', limits.width);
  const heads = count('attention.head_count', limits.heads);
  const embedding = gguf.tensors.get('token_embd.weight');
  if (!embedding) throw new PixtralError('model', `${gguf.path}: tensor token_embd.weight is missing`);
  return {
    dim,
    layers: count('block_count', limits.layers),
    heads,
    kvHeads: count('attention.head_count_kv', limits.heads),
    headDim: optionalCount(gguf, `${architecture}.attention.key_length`, limits.headDim) ?? dim / heads,
    hiddenDim: count('feed_forward_length', limits.width),
    trainedContext: count('context_length', limits.tokens),
    vocabularySize: embedding.dims[1] ?? 0,
  };
}

function checkHeads(gguf: Gguf, architecture: string, { dim, heads, kvHeads, headDim }: DecoderConfig): void {
  const { path } = gguf;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0 || headDim > limits.headDim.max) {
    throw new PixtralError(
      'model',
      `${path}: ${dim} wide with ${heads} heads of ${headDim}, expected an even head size`,
    );
  }
  if (heads % kvHeads !== 0) {
    throw new PixtralError('model', `${path}: ${heads} heads, expected a multiple of the ${kvHeads} KV heads`);
  }
  // llama.cpp takes dim / heads for what is not said.
  const implied = Math.floor(dim / heads);
  for (const [key, unsaid] of [
    ['attention.value_length', implied],
    ['rope.dimension_count', headDim],
  ] as const) {
    const said = optionalCount(gguf, `${architecture}.${key}`, limits.headDim) ?? unsaid;
    if (said === headDim) continue;
    throw new PixtralError('model', `${path}: ${architecture}.${key} is ${said}, expected the head size ${headDim}`);
  }
}

const finite: Bounds = { min: -1e6, max: 1e6 };
const factor: Bounds = { min: 0, max: 1e6 };

function checkRope(gguf: Gguf, architecture: string, { dim, heads }: DecoderConfig): void {
  const real = (key: string, bounds: Bounds) => optionalReal(gguf, `${architecture}.${key}`, bounds);
  requireReal(gguf, `${architecture}.attention.layer_norm_rms_epsilon`, { min: 1e-30, max: 1 });
  real('rope.freq_base', { min: 1, max: 1e15 });
  expectDefault(gguf, `${architecture}.rope.scaling.type`, ['none', 'linear', 'yarn']);
  optionalCount(gguf, `${architecture}.rope.scaling.original_context_length`, limits.tokens);
  for (const key of ['rope.scaling.factor', 'rope.scale_linear', 'attention.temperature_scale']) real(key, factor);
  for (const key of ['attn_factor', 'alpha', 'yarn_log_multiplier', 'yarn_ext_factor', 'yarn_attn_factor']) {
    real(`rope.scaling.${key}`, finite);
  }
  // Their logarithms are taken.
  for (const key of ['yarn_beta_fast', 'yarn_beta_slow']) real(`rope.scaling.${key}`, { min: 1e-6, max: 1e6 });
  if (dim < heads) throw new PixtralError('model', `${gguf.path}: ${dim} wide, expected at least its ${heads} heads`);
}

/** Keys that llama.cpp acts upon, and what they say, if anything, in a model of the family. */
function checkUnused(gguf: Gguf, architecture: string, { dim, vocabularySize }: DecoderConfig): void {
  const expected: Record<string, number | boolean> = {
    embedding_length_out: dim,
    vocab_size: vocabularySize,
    nextn_predict_layers: 0,
    expert_count: 0,
    expert_used_count: 0,
    expert_group_count: 0,
    expert_group_used_count: 0,
    pooling_type: 0,
    'attention.causal': true,
    'attention.sliding_window': 0,
  };
  for (const [key, value] of Object.entries(expected)) expectDefault(gguf, `${architecture}.${key}`, value);
  expectDefault(gguf, `${architecture}.classifier.output_labels`, []);
}

/** Every tensor that the decoder may hold: Mistral's, and what quantisers and converters add. */
export function decoderTensors(config: DecoderConfig): TensorRule[] {
  const { dim, heads, kvHeads, headDim, hiddenDim, vocabularySize } = config;
  const rules: TensorRule[] = [
    { name: 'token_embd.weight', dims: [dim, vocabularySize], use: 'matrix' },
    { name: 'output_norm.weight', dims: [dim], use: 'vector' },
    { name: 'output.weight', dims: [dim, vocabularySize], use: 'matrix', optional: true },
    { name: 'rope_freqs.weight', dims: [headDim / 2], use: 'vector', optional: true },
  ];
  for (let layer = 0; layer < config.layers; layer++) {
    const matrix = (name: string, dims: readonly number[]): TensorRule[] => [
      { name: `blk.${layer}.${name}.weight`, dims, use: 'matrix' },
      { name: `blk.${layer}.${name}.scale`, dims: [1], use: 'vector', optional: true }, // of nvfp4
    ];
    const norm = (name: string): TensorRule => ({ name: `blk.${layer}.${name}.weight`, dims: [dim], use: 'vector' });
    rules.push(
      norm('attn_norm'),
      ...matrix('attn_q', [dim, heads * headDim]),
      ...matrix('attn_k', [dim, kvHeads * headDim]),
      ...matrix('attn_v', [dim, kvHeads * headDim]),
      ...matrix('attn_output', [heads * headDim, dim]),
      norm('ffn_norm'),
      ...matrix('ffn_gate', [dim, hiddenDim]),
      ...matrix('ffn_up', [dim, hiddenDim]),
      ...matrix('ffn_down', [hiddenDim, dim]),
    );
  }
  return rules;
}
