import { PixtralError } from '../base/errors.ts';
import type { Gguf } from '../gguf/types.ts';
import { optionalNumber, requireNumber, requireString } from '../gguf/values.ts';

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

/**
 * Reads and checks the decoder's configuration and the shapes of its tensors before llama.cpp sees the file.
 * @throws PixtralError `model`
 */
export function decoderConfig(gguf: Gguf): DecoderConfig {
  const architecture = requireString(gguf, 'general.architecture');
  if (!architectures.includes(architecture)) {
    throw new PixtralError(
      'model',
      `${gguf.path}: its architecture is ${architecture}, expected ${architectures.join(' or ')}`,
      {
        hint: architecture === 'clip' ? 'this is a projector: give it with --mmproj' : 'give a Pixtral model',
      },
    );
  }
  const number = (key: string): number => requireNumber(gguf, `${architecture}.${key}`);
  const dim = number('embedding_length');
  const heads = number('attention.head_count');
  const embedding = gguf.tensors.get('token_embd.weight');
  if (!embedding) throw new PixtralError('model', `${gguf.path}: tensor token_embd.weight is missing`);
  const config: DecoderConfig = {
    dim,
    layers: number('block_count'),
    heads,
    kvHeads: number('attention.head_count_kv'),
    headDim: optionalNumber(gguf, `${architecture}.attention.key_length`) ?? dim / heads,
    hiddenDim: number('feed_forward_length'),
    trainedContext: number('context_length'),
    vocabularySize: embedding.dims[1] ?? 0,
  };
  for (const [name, value] of Object.entries(config)) {
    if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 24) {
      throw new PixtralError('model', `${gguf.path}: ${name} is ${value}, expected a positive number`);
    }
  }
  checkShapes(gguf, config);
  return config;
}

function checkShapes(
  gguf: Gguf,
  { dim, layers, heads, kvHeads, headDim, hiddenDim, vocabularySize }: DecoderConfig,
): void {
  const expected: [string, number[]][] = [
    ['token_embd.weight', [dim, vocabularySize]],
    ['output_norm.weight', [dim]],
  ];
  for (let layer = 0; layer < layers; layer++) {
    expected.push(
      [`blk.${layer}.attn_norm.weight`, [dim]],
      [`blk.${layer}.attn_q.weight`, [dim, heads * headDim]],
      [`blk.${layer}.attn_k.weight`, [dim, kvHeads * headDim]],
      [`blk.${layer}.attn_v.weight`, [dim, kvHeads * headDim]],
      [`blk.${layer}.attn_output.weight`, [heads * headDim, dim]],
      [`blk.${layer}.ffn_norm.weight`, [dim]],
      [`blk.${layer}.ffn_gate.weight`, [dim, hiddenDim]],
      [`blk.${layer}.ffn_up.weight`, [dim, hiddenDim]],
      [`blk.${layer}.ffn_down.weight`, [hiddenDim, dim]],
    );
  }
  for (const [name, dims] of expected) {
    const found = gguf.tensors.get(name);
    if (!found) throw new PixtralError('model', `${gguf.path}: tensor ${name} is missing`);
    if (found.dims.join() !== dims.join()) {
      throw new PixtralError(
        'model',
        `${gguf.path}: tensor ${name} is ${found.dims.join('x')}, expected ${dims.join('x')}`,
      );
    }
  }
}
