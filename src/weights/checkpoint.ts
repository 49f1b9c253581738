export type { Checkpoint, Layout, ModelConfig, SourceTensor, SourceType, TextConfig, VisionConfig } from './types.ts';
