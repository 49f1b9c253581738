import type { Family } from './family.ts';
import { mistralSmall3 } from './mistral-small-3.ts';

/** Ministral 3, Shieldstral 1.0, Devstral Small 2. configuration_ministral3.py. */
export const ministral3: Family = {
  name: 'Ministral 3',
  params: { merges: true, stretches: true },
  huggingFace: {
    ...mistralSmall3.huggingFace,
    textType: 'ministral3',
    text: {
      dim: 4096,
      layers: 34,
      heads: 32,
      kvHeads: 8,
      headDim: 128,
      hiddenDim: 14_336,
      normEps: 1e-5,
      vocabularySize: 131_072,
      contextLength: 262_144,
      slidingWindow: undefined,
      hasTemperature: true,
      rope: {
        rope_type: 'yarn',
        rope_theta: 1e6,
        factor: 16,
        original_max_position_embeddings: 16_384,
        beta_fast: 32,
        beta_slow: 1,
        mscale: 1,
        mscale_all_dim: 1,
        llama_4_scaling_beta: 0.1,
      },
    },
  },
};
