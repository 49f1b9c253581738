/** What a checkpoint's config says, in one shape for both layouts. Sizes in elements unless named otherwise. */
export interface TextConfig {
  dim: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  hiddenDim: number;
  ropeTheta: number;
  normEps: number;
  vocabularySize: number;
  /** Tokens. */
  contextLength: number;
  /** The embedding matrix is the output matrix too. */
  tiedEmbeddings: boolean;
}

export interface VisionConfig {
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  headDim: number;
  /** Pixels. */
  patchSize: number;
  /** Longest side in pixels. */
  imageSize: number;
  ropeTheta: number;
  normEps: number;
  channels: number;
  /** Patches of a square of this side become one row of the text model; 1 for Pixtral-12B. */
  spatialMergeSize: number;
  imageTokenId: number;
  imageBreakTokenId: number;
  imageEndTokenId: number;
  adapterBias: boolean;
  /** Whether an RMS norm precedes the adapter (Mistral Small 3.1 and later). */
  projectorNorm: boolean;
  /** Of that norm, where it is not the tower's. */
  projectorNormEps?: number;
}

export interface ModelConfig {
  text: TextConfig;
  vision: VisionConfig;
}

export type SourceType = 'F32' | 'F16' | 'BF16';

/** Bytes of one weight. */
export const sourceTypeBytes: Readonly<Record<SourceType, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Where a tensor's bytes stand in a checkpoint. */
export interface SourceTensor {
  /** As in the file. */
  name: string;
  path: string;
  dtype: SourceType;
  /** PyTorch order: slowest axis first. */
  shape: number[];
  /** Absolute position in the file. */
  offset: number;
  byteLength: number;
  /** Hugging Face halves of q and k rows must be interleaved again, over this many heads. */
  permuteHeads?: number;
}

export type Layout = 'mistral' | 'huggingface';

export interface Checkpoint {
  folder: string;
  layout: Layout;
  config: ModelConfig;
  /** By GGUF name (`blk.0.attn_q.weight`), in the order in which they are written. */
  tensors: Map<string, SourceTensor>;
  tokenizer: { path: string; kind: 'tekken' | 'huggingface' };
  /** Things a user should know: a known mistake that was corrected, a second layout that was not used. */
  notes: string[];
}
