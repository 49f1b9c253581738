import { open, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** params.json of Pixtral-12B as the torrent of September 2024 has it. */
export const pixtral12b = {
  dim: 5120,
  n_layers: 40,
  head_dim: 128,
  hidden_dim: 14336,
  n_heads: 32,
  n_kv_heads: 8,
  rope_theta: 1e9,
  norm_eps: 1e-5,
  vocab_size: 131072,
  vision_encoder: {
    hidden_size: 1024,
    num_channels: 3,
    image_size: 1024,
    patch_size: 16,
    rope_theta: 1e4,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    image_token_id: 10,
  },
};

export type Params = typeof pixtral12b;

/** Names and shapes of Mistral's layout (reference: mistral-inference's modules). */
export function mistralTensors({ vision_encoder: vision, ...text }: Params): [name: string, shape: number[]][] {
  const q = text.n_heads * text.head_dim;
  const kv = text.n_kv_heads * text.head_dim;
  const block = (
    prefix: string,
    { dim, hidden, q, kv }: { dim: number; hidden: number; q: number; kv: number },
  ): [string, number[]][] => [
    [`${prefix}.attention.wq.weight`, [q, dim]],
    [`${prefix}.attention.wk.weight`, [kv, dim]],
    [`${prefix}.attention.wv.weight`, [kv, dim]],
    [`${prefix}.attention.wo.weight`, [dim, q]],
    [`${prefix}.feed_forward.w1.weight`, [hidden, dim]],
    [`${prefix}.feed_forward.w2.weight`, [dim, hidden]],
    [`${prefix}.feed_forward.w3.weight`, [hidden, dim]],
    [`${prefix}.attention_norm.weight`, [dim]],
    [`${prefix}.ffn_norm.weight`, [dim]],
  ];
  const { hidden_size: d } = vision;
  return [
    ['tok_embeddings.weight', [text.vocab_size, text.dim]],
    ...Array.from({ length: text.n_layers }, (_, i) =>
      block(`layers.${i}`, { dim: text.dim, hidden: text.hidden_dim, q, kv }),
    ).flat(),
    ['norm.weight', [text.dim]],
    ['output.weight', [text.vocab_size, text.dim]],
    ['vision_encoder.patch_conv.weight', [d, vision.num_channels, vision.patch_size, vision.patch_size]],
    ['vision_encoder.ln_pre.weight', [d]],
    ...Array.from({ length: vision.num_hidden_layers }, (_, i) =>
      block(`vision_encoder.transformer.layers.${i}`, { dim: d, hidden: vision.intermediate_size, q: d, kv: d }),
    ).flat(),
    ['vision_language_adapter.w_in.weight', [text.dim, d]],
    ['vision_language_adapter.w_in.bias', [text.dim]],
    ['vision_language_adapter.w_out.weight', [text.dim, text.dim]],
    ['vision_language_adapter.w_out.bias', [text.dim]],
  ];
}

/** Writes params.json, tekken.json and consolidated.safetensors with random bf16 weights. */
export async function writeRandomCheckpoint(
  folder: string,
  {
    params,
    tekken,
    seed,
    onProgress,
  }: { params: Params; tekken: Uint8Array; seed: number; onProgress: (bytes: number) => void },
): Promise<number> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'params.json'), JSON.stringify(params));
  await writeFile(join(folder, 'tekken.json'), tekken);
  const header: Record<string, unknown> = {};
  const tensors = mistralTensors(params);
  let end = 0;
  for (const [name, shape] of tensors) {
    const start = end;
    end += 2 * shape.reduce((product, side) => product * side, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [start, end] };
  }
  const json = new TextEncoder().encode(
    JSON.stringify(header).padEnd(Math.ceil(JSON.stringify(header).length / 8) * 8),
  );
  const file = await open(join(folder, 'consolidated.safetensors'), 'w');
  try {
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
    await file.write(length);
    await file.write(json);
    const noise = randomBf16(seed, 32 * 1024 * 1024);
    let offset = 0;
    for (const [, shape] of tensors) {
      const count = shape.reduce((product, side) => product * side, 1);
      const bytes = shape.length === 1 ? bf16Of(count, 1) : undefined;
      for (let done = 0; done < count;) {
        const from = (offset + done * 7) % (noise.length / 2);
        const chunk = bytes ?? new Uint8Array(noise.buffer, from * 2, Math.min(count - done, noise.length - from) * 2);
        await file.write(chunk);
        done += chunk.length / 2;
        onProgress(chunk.length);
      }
      offset = (offset + 1_000_003) % noise.length;
    }
  } finally {
    await file.close();
  }
  return end + json.length + 8;
}

/** Uniform values with a standard deviation of 0.02, so that activations of 40 layers stay finite. */
function randomBf16(seed: number, count: number): Uint16Array {
  const values = new Uint16Array(count);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    float[0] = ((state >>> 0) / 2 ** 32 - 0.5) * 0.07;
    values[i] = bits[0]! >>> 16;
  }
  return values;
}

function bf16Of(count: number, value: number): Uint8Array {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16;
  return new Uint8Array(new Uint16Array(count).fill(bits).buffer);
}
