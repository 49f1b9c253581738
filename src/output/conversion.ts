import { byteSize } from '../base/byte-size.ts';
import type { PlannedPair } from '../convert/plan-pair.ts';
import { ggmlTypeName } from '../gguf/types.ts';
import { table } from './table.ts';
import { printableLine } from './printable.ts';

/** `convert --dry-run --json`, version 1. */
export interface PlanJson {
  bytes: number;
  files: { path: string; bytes: number; tensors: PlannedTensorJson[] }[];
  notes: string[];
}

interface PlannedTensorJson {
  name: string;
  /** PyTorch order. */
  shape: number[];
  source: string;
  type: string;
  bytes: number;
}

export function planJson({ files, byteLength, notes }: PlannedPair): PlanJson {
  return {
    bytes: byteLength,
    files: files.map(({ path, tensors, layout }) => ({
      path,
      bytes: layout.byteLength,
      tensors: tensors.map(({ name, dims, type, source }, index) => ({
        name,
        shape: dims.toReversed(),
        source: source.dtype.toLowerCase(),
        type: ggmlTypeName(type),
        bytes: layout.tensors[index]?.byteLength ?? 0,
      })),
    })),
    notes,
  };
}

/** A table per file, one line a tensor, then sums by type. */
export function planText(pair: PlannedPair): string {
  const { files, bytes } = planJson(pair);
  const shown = files.map((file) => {
    const rows = file.tensors.map(({ name, shape, source, type, bytes: size }) => [
      `  ${name}`,
      shape.join('x'),
      source,
      type,
      byteSize(size),
    ]);
    return `${printableLine(file.path)}  ${byteSize(file.bytes)}\n${table(rows)}${table(sums(file.tensors))}\n`;
  });
  return `${shown.join('')}${byteSize(bytes)} in all; nothing was written\n`;
}

function sums(tensors: readonly PlannedTensorJson[]): string[][] {
  const types = [...new Set(tensors.map(({ type }) => type))];
  return types.map((type) => {
    const of = tensors.filter((tensor) => tensor.type === type);
    return [type, `${of.length} tensors`, byteSize(of.reduce((sum, { bytes }) => sum + bytes, 0))];
  });
}
