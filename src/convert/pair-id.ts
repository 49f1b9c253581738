import { createHash } from 'node:crypto';
import { viewBytes } from '../base/view-bytes.ts';
import type { Checkpoint, ModelConfig, SourceTensor } from '../weights/types.ts';
import type { SourceFiles } from './source-files.ts';

/** Enough to tell fine-tunes apart, little enough to read from 600 tensors in no time. */
const sampleBytes = 4096;

type Stored = Pick<SourceTensor, 'path' | 'offset' | 'byteLength'>;
type RangeReader = Pick<SourceFiles, 'readRange'>;

/**
 * An id of the weights, for both files of a pair: a projector of other weights is then refused by name, not by a bad
 * answer. It hashes the config and the beginning and middle of each tensor whose rows stand in the same order in both
 * layouts, so that the id does not depend on the layout or on the type converted to.
 */
export async function pairId(checkpoint: Checkpoint, source: RangeReader): Promise<string> {
  const hash = createHash('sha256').update(spelled(checkpoint.config));
  for (const [name, tensor] of checkpoint.tensors) {
    hash.update(`\n${name} ${tensor.shape.join('x')} ${tensor.dtype}\n`);
    await addLowRank(tensor);
    if (isPermutedSomewhere(name)) continue;
    hash.update(await sample(tensor, source));
    if (tensor.scales) hash.update(viewBytes(tensor.scales.values));
  }
  return hash.digest('hex').slice(0, 32);

  async function addLowRank({ lowRank }: SourceTensor): Promise<void> {
    if (!lowRank) return;
    hash.update(`\n${lowRank.scale}`);
    for (const factor of [lowRank.a, lowRank.b]) hash.update(await sample(factor, source));
  }
}

/** The config with its keys in a fixed order. */
function spelled({ text, vision }: ModelConfig): string {
  const parts = [text, vision, text.yarn, text.temperature];
  return JSON.stringify([text, vision], parts.flatMap((part) => Object.keys(part ?? {})).sort());
}

function isPermutedSomewhere(name: string): boolean {
  return /\.attn_[qk]\.weight$/.test(name);
}

async function sample(tensor: Stored, source: RangeReader): Promise<Uint8Array> {
  return Buffer.concat(await Promise.all(ranges(tensor).map((range) => source.readRange(tensor.path, range))));
}

function ranges({ offset, byteLength }: Stored): { position: number; length: number }[] {
  const length = Math.min(sampleBytes, byteLength);
  return [offset, offset + Math.floor((byteLength - length) / 2)].map((position) => ({ position, length }));
}

/** All that `pairId` reads. */
export function pairIdRanges({ tensors }: Checkpoint): { path: string; position: number; length: number }[] {
  return [...tensors]
    .filter(([name]) => !isPermutedSomewhere(name))
    .flatMap(([, tensor]) => ranges(tensor).map((range) => ({ path: tensor.path, ...range })));
}
