import { readFileSync, writeFileSync } from 'node:fs';
import { readGguf } from '../../src/gguf/read.ts';
import type { GgufTensor, GgufValue } from '../../src/gguf/types.ts';
import { type GgufTensorSpec, layoutGguf } from '../../src/gguf/write.ts';

export interface Rewriting {
  change?: (keys: Map<string, GgufValue>) => void;
  keep?: (name: string) => boolean;
  /** What a tensor is said to be; its bytes are repeated or cut to fit. */
  retell?: (tensor: GgufTensor) => GgufTensorSpec;
}

/** Writes a file again with other metadata, without some tensors, with others called something else. */
export async function rewriteGguf(
  path: string,
  { change, keep = () => true, retell = (same) => same }: Rewriting,
): Promise<void> {
  const gguf = await readGguf(path);
  const source = readFileSync(path);
  const metadata = new Map(gguf.metadata);
  change?.(metadata);
  const kept: GgufTensor[] = [...gguf.tensors.values()].filter(({ name }) => keep(name));
  const layout = layoutGguf(metadata, kept.map(retell));
  const target = Buffer.alloc(layout.byteLength);
  target.set(layout.header);
  layout.tensors.forEach(({ offset, byteLength }, i) => {
    const from = kept[i]!;
    target.fill(source.subarray(from.offset, from.offset + from.byteLength), offset, offset + byteLength);
  });
  writeFileSync(path, target);
}
