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
  yarn?: Yarn;
  temperature?: AttentionTemperature;
}

/** RoPE of contexts longer than those first trained with (arXiv 2309.00071). */
export interface Yarn {
  factor: number;
  /** Tokens. */
  originalContext: number;
  /** Turns within the original context from which on a frequency is left as it is, and below which it is stretched whole. */
  betaFast: number;
  betaSlow: number;
  /** Of cosines and sines. */
  attentionFactor: number;
}

/** Queries are multiplied by 1 + beta ln(1 + floor(position / originalContext)), as in Llama 4. */
export interface AttentionTemperature {
  beta: number;
  originalContext: number;
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

export type SourceType = 'F32' | 'F16' | 'BF16' | 'F8_E4M3';

/** Bytes of one weight. */
export const sourceTypeBytes: Readonly<Record<SourceType, number>> = { F32: 4, F16: 2, BF16: 2, F8_E4M3: 1 };

/** What weights of 8 bits are multiplied by: one number for each block of them. */
export interface Scales {
  /** Of their file. */
  path: string;
  /** [rows of blocks, columns of blocks] */
  values: Float32Array;
  /** Weights of a block. */
  rowsPerBlock: number;
  columnsPerBlock: number;
  blocksPerRow: number;
}

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
  /** Of F8_E4M3, and of no other type. */
  scales?: Scales;
  /** Added to the weights, with their type's rounding. */
  lowRank?: LowRank;
}

/** A matrix as the product of two narrow ones: scale B A, as LoRA trains it (arXiv 2106.09685). */
export interface LowRank {
  /** [rank, columns] */
  a: StoredFloats;
  /** [rows, rank] */
  b: StoredFloats;
  scale: number;
  /** Rows of B are in Hugging Face's halves, over this many heads, whatever the layout of the weights. */
  permuteHeads?: number;
}

/** Floats as they stand in a file. */
export type StoredFloats = Pick<SourceTensor, 'name' | 'path' | 'shape' | 'offset' | 'byteLength'> & {
  dtype: Exclude<SourceType, 'F8_E4M3'>;
};

export type Layout = 'mistral' | 'huggingface';

export interface Checkpoint {
  folder: string;
  layout: Layout;
  /** `Ministral 3` */
  family: string;
  config: ModelConfig;
  /** By GGUF name (`blk.0.attn_q.weight`), in the order in which they are written. */
  tensors: Map<string, SourceTensor>;
  tokenizer: { path: string; kind: 'tekken' | 'huggingface' };
  /** Things a user should know: a known mistake that was corrected, a second layout that was not used. */
  notes: string[];
}
