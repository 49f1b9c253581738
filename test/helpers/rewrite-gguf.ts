import { readFileSync, writeFileSync } from 'node:fs';
import { readGguf } from '../../src/gguf/read.ts';
import type { GgufTensor, GgufValue } from '../../src/gguf/types.ts';
import { layoutGguf } from '../../src/gguf/write.ts';

/** Writes a file again with other metadata, without some tensors. */
export async function rewriteGguf(
  path: string,
  { change, keep = () => true }: { change: (keys: Map<string, GgufValue>) => void; keep?: (name: string) => boolean },
): Promise<void> {
  const gguf = await readGguf(path);
  const source = readFileSync(path);
  const metadata = new Map(gguf.metadata);
  change(metadata);
  const kept: GgufTensor[] = [...gguf.tensors.values()].filter(({ name }) => keep(name));
  const layout = layoutGguf(metadata, kept);
  const target = Buffer.alloc(layout.byteLength);
  target.set(layout.header);
  layout.tensors.forEach(({ offset }, i) => {
    const from = kept[i]!;
    target.set(source.subarray(from.offset, from.offset + from.byteLength), offset);
  });
  writeFileSync(path, target);
}
