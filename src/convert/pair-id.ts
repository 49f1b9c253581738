import { createHash } from 'node:crypto';
import { readExactly } from '../base/files.ts';
import type { Checkpoint, ModelConfig, SourceTensor } from '../weights/types.ts';
import type { SourceFiles } from './source-files.ts';

/** Enough to tell fine-tunes apart, little enough to read from 600 tensors in no time. */
const sampleBytes = 4096;

/**
 * An id of the weights, for both files of a pair: a projector of other weights is then refused by name, not by a bad
 * answer. It hashes the config and the beginning and middle of each tensor whose rows stand in the same order in both
 * layouts, so that the id does not depend on the layout or on the type converted to.
 */
export async function pairId(checkpoint: Checkpoint, files: SourceFiles): Promise<string> {
  const hash = createHash('sha256').update(spelled(checkpoint.config));
  for (const [name, tensor] of checkpoint.tensors) {
    hash.update(`\n${name} ${tensor.shape.join('x')} ${tensor.dtype}\n`);
    if (!isPermutedSomewhere(name)) hash.update(await sample(tensor, files));
  }
  return hash.digest('hex').slice(0, 32);
}

/** The config with its keys in a fixed order. */
function spelled({ text, vision }: ModelConfig): string {
  return JSON.stringify([text, vision], [...Object.keys(text), ...Object.keys(vision)].sort());
}

function isPermutedSomewhere(name: string): boolean {
  return /\.attn_[qk]\.weight$/.test(name);
}

async function sample(tensor: SourceTensor, files: SourceFiles): Promise<Uint8Array> {
  const { path, offset, byteLength } = tensor;
  const file = await files.open(path);
  const length = Math.min(sampleBytes, byteLength);
  const starts = [offset, offset + Math.floor((byteLength - length) / 2)];
  return Buffer.concat(await Promise.all(starts.map((position) => readExactly(file, { path, position, length }))));
}
