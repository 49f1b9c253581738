import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { readExactly } from '../../base/files.ts';
import type { Gguf } from '../../gguf/types.ts';

const sampledTensors = 64;
const sampleBytes = 4096;

const known = new WeakMap<Gguf, Promise<Buffer>>();

/**
 * What tells a file of weights from another without reading gigabytes: its header's tensors, its length and time of
 * change, and samples of its weights. Read once for each header.
 */
export function weightsFingerprint(gguf: Gguf): Promise<Buffer> {
  const found = known.get(gguf) ?? readFingerprint(gguf);
  known.set(gguf, found);
  return found;
}

/** The same for each copy of a file, wherever it lies and whenever it was written. */
export function weightsContent(gguf: Gguf): Promise<Buffer> {
  return hashSamples(gguf, ({ size }) => String(size));
}

function readFingerprint(gguf: Gguf): Promise<Buffer> {
  return hashSamples(gguf, ({ size, mtimeMs }) => `${size} ${mtimeMs}`);
}

async function hashSamples({ path, tensors }: Gguf, head: (stat: Stats) => string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const stat = await file.stat();
    const all = [...tensors.values()];
    const step = Math.ceil(all.length / sampledTensors);
    const samples = all.map(async ({ offset, byteLength }, index) => {
      if (index % step !== 0) return undefined;
      const length = Math.min(sampleBytes, byteLength);
      return readExactly(file, { path, position: offset + Math.floor((byteLength - length) / 2), length });
    });
    const hash = createHash('sha256').update(`${head(stat)}\n`);
    for (const [index, sample] of (await Promise.all(samples)).entries()) {
      const { name, type, dims } = all[index]!;
      hash.update(`${name} ${type} ${dims.join('x')}\n`);
      if (sample) hash.update(sample);
    }
    return hash.digest();
  } finally {
    await file.close();
  }
}
