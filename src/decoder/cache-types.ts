import { ggmlType } from '../native/ggml.ts';

/** Types that llama.cpp's KV cache can have: ggml's number and bytes per value. Quantised ones need flash attention. */
export const cacheTypes = {
  f32: { type: ggmlType.f32, bytesPerValue: 4 },
  f16: { type: ggmlType.f16, bytesPerValue: 2 },
  bf16: { type: ggmlType.bf16, bytesPerValue: 2 },
  q8_0: { type: ggmlType.q8_0, bytesPerValue: 34 / 32 },
  q5_1: { type: ggmlType.q5_1, bytesPerValue: 24 / 32 },
  q5_0: { type: ggmlType.q5_0, bytesPerValue: 22 / 32 },
  q4_1: { type: ggmlType.q4_1, bytesPerValue: 20 / 32 },
  q4_0: { type: ggmlType.q4_0, bytesPerValue: 18 / 32 },
  iq4_nl: { type: ggmlType.iq4_nl, bytesPerValue: 18 / 32 },
} as const;

export type CacheType = keyof typeof cacheTypes;

export function isCacheType(name: string): name is CacheType {
  return Object.hasOwn(cacheTypes, name);
}
