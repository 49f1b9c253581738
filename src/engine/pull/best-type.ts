import { byteSize } from '../../base/byte-size.ts';
import type { ConvertType } from '../../convert/types.ts';

/** From the largest that is worth it (bf16 answers alike) to the smallest that still answers well enough. */
const candidates: readonly ConvertType[] = ['q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q3_k_m', 'q2_k'];

/** Beside the weights: the KV cache of a long talk about a full picture, and what is computed with. */
const roomBytes = 2e9;
/** Of all memory: the system and other programs need the rest. */
const share = 0.9;

export function fits(bytes: number, memoryBytes: number): boolean {
  return bytes + Math.min(roomBytes, bytes) <= memoryBytes * share;
}

/** The best type whose pair fits into the memory, and why; the smallest when none does. */
export async function bestType(
  sizeOf: (type: ConvertType) => Promise<number>,
  memoryBytes: number,
): Promise<{ type: ConvertType; reason: string }> {
  const memory = byteSize(memoryBytes);
  let last: { type: ConvertType; bytes: number } = { type: 'q2_k', bytes: 0 };
  for (const type of candidates) {
    last = { type, bytes: await sizeOf(type) };
    if (!fits(last.bytes, memoryBytes)) continue;
    const reason = `${type}, ${byteSize(last.bytes)}: the best type that fits into this machine's memory of ${memory} with room to work`;
    return { type, reason: `${reason}; --type chooses another` };
  }
  return {
    type: last.type,
    reason: `${last.type}, ${byteSize(last.bytes)}: no type fits well into this machine's memory of ${memory}, this is the smallest`,
  };
}
