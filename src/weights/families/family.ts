/** What a family of models is told by, and what its configs leave unsaid. */
export interface Family {
  /** As Mistral calls it. */
  name: string;
  /** params.json: whether there is a patch merger, and whether the context is stretched (YaRN, attention temperature). */
  params: { merges: boolean; stretches: boolean };
  /** config.json: what names it, and the defaults of its config classes in transformers. */
  huggingFace: HuggingFaceFamily;
}

export interface HuggingFaceFamily {
  /** `model_type` of the whole and of `text_config`. */
  modelType: string;
  textType: string;
  featureLayer: number;
  projectorBias: boolean;
  spatialMergeSize: number;
  projectorNorm: boolean;
  tied: boolean;
  text: TextDefaults;
}

export interface TextDefaults {
  dim: number;
  layers: number;
  heads: number;
  kvHeads: number;
  /** Undefined: as wide as all heads share the width. */
  headDim: number | undefined;
  hiddenDim: number;
  normEps: number;
  vocabularySize: number;
  contextLength: number;
  slidingWindow: number | undefined;
  /** Whether the class reads `llama_4_scaling_beta`. */
  hasTemperature: boolean;
  /** `rope_parameters` of a config that has none. */
  rope: Readonly<Record<string, unknown>>;
}

/** configuration_mistral.py. */
export const mistralText: TextDefaults = {
  dim: 4096,
  layers: 32,
  heads: 32,
  kvHeads: 8,
  headDim: undefined,
  hiddenDim: 14_336,
  normEps: 1e-6,
  vocabularySize: 32_000,
  contextLength: 131_072,
  slidingWindow: 4096,
  hasTemperature: false,
  rope: {},
};
