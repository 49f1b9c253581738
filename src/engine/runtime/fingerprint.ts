import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { readExactly } from '../../base/files.ts';
import type { Gguf } from '../../gguf/types.ts';

const sampledTensors = 64;
const sampleBytes = 4096;

/**
 * What tells a file of weights from another without reading gigabytes: its header's tensors, its length and time of
 * change, and samples of its weights.
 */
export async function weightsFingerprint({ path, tensors }: Gguf): Promise<Buffer> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    const { size, mtimeMs } = await file.stat();
    hash.update(`${size} ${mtimeMs}\n`);
    const all = [...tensors.values()];
    const step = Math.ceil(all.length / sampledTensors);
    for (const [index, { name, type, dims, offset, byteLength }] of all.entries()) {
      hash.update(`${name} ${type} ${dims.join('x')}\n`);
      if (index % step !== 0) continue;
      const length = Math.min(sampleBytes, byteLength);
      const position = offset + Math.floor((byteLength - length) / 2);
      hash.update(await readExactly(file, { path, position, length }));
    }
    return hash.digest();
  } finally {
    await file.close();
  }
}
