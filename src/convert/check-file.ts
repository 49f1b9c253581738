import type { FileHandle } from 'node:fs/promises';
import { PixtralError } from '../base/errors.ts';
import { readExactly, systemError } from '../base/files.ts';
import { openRegular } from '../base/regular-file.ts';
import { readGguf } from '../gguf/read.ts';
import { type Gguf, type GgufTensor, ggmlTypeName } from '../gguf/types.ts';
import type { GgufTensorSpec } from '../gguf/write.ts';
import { type Pipeline, convertSlices } from './pipeline.ts';
import type { PlannedFile } from './plan-pair.ts';
import { slicesOf, targetOffset } from './slices.ts';

export interface Checking extends Omit<Pipeline, 'onSlice'> {
  onSlice: (tensor: string, byteLength: number) => void;
}

/**
 * Converts once more and compares every tensor's type, shape and bytes with the file's, whoever made that.
 * @throws PixtralError `model` with the tensor and the byte where they differ
 */
export async function checkFile({ path, tensors }: PlannedFile, checking: Checking): Promise<void> {
  const found = requireSameTensors(await readGguf(path), tensors);
  const file = await openRegular(path).catch((cause: unknown) => {
    throw systemError(path, 'cannot open', cause);
  });
  try {
    await convertSlices(slicesOf(tensors), {
      ...checking,
      onSlice: async (slice, expected) => {
        const { name } = slice.tensor;
        const position = (found.get(name)?.offset ?? 0) + targetOffset(slice);
        await compare(file, { where: `${path}: tensor ${name}`, path, position, expected });
        checking.onSlice(name, expected.byteLength);
      },
    });
  } finally {
    await file.close();
  }
}

function requireSameTensors(
  { path, tensors: found }: Gguf,
  expected: readonly GgufTensorSpec[],
): ReadonlyMap<string, GgufTensor> {
  const spelled = ({ type, dims }: GgufTensorSpec): string => `${ggmlTypeName(type)} [${dims.toReversed().join(', ')}]`;
  for (const spec of expected) {
    const tensor = found.get(spec.name);
    if (tensor === undefined) throw new PixtralError('model', `${path}: lacks tensor ${spec.name}`);
    if (spelled(tensor) === spelled(spec)) continue;
    throw new PixtralError(
      'model',
      `${path}: tensor ${spec.name}: is ${spelled(tensor)}, expected ${spelled(spec)} by these options`,
    );
  }
  const names = new Set(expected.map(({ name }) => name));
  const extra = [...found.keys()].find((name) => !names.has(name));
  if (extra !== undefined) throw new PixtralError('model', `${path}: tensor ${extra}: the checkpoint has none such`);
  return found;
}

async function compare(
  file: FileHandle,
  { where, path, position, expected }: { where: string; path: string; position: number; expected: Uint8Array },
): Promise<void> {
  const found = await readExactly(file, { path, position, length: expected.byteLength });
  if (Buffer.compare(found, expected) === 0) return;
  const at = position + found.findIndex((byte, index) => byte !== expected[index]);
  throw new PixtralError('model', `${where}: differs from the checkpoint's at byte ${at}`, {
    hint: 'convert again with --force; if it happens again, suspect the disk or the memory',
  });
}
