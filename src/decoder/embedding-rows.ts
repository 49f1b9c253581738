import { open } from 'node:fs/promises';
import { readExactly } from '../base/files.ts';
import type { Gguf } from '../gguf/types.ts';
import type { Native } from '../native/native.ts';
import type { DecoderConfig } from './config.ts';

/**
 * Rows of the text embedding, [ids.length, dim], as llama.cpp's own look-up would give them:
 * an embedding row stands for its id without a difference.
 */
export async function embeddingRows(
  { native, gguf, config }: { native: Native; gguf: Gguf; config: DecoderConfig },
  ids: readonly number[],
): Promise<Float32Array[]> {
  const tensor = gguf.tensors.get('token_embd.weight');
  if (!tensor) throw new Error('checked by decoderConfig');
  const rowBytes = tensor.byteLength / config.vocabularySize;
  const file = await open(gguf.path, 'r');
  try {
    const rows: Float32Array[] = [];
    for (const id of ids) {
      const bytes = await readExactly(file, {
        path: gguf.path,
        position: tensor.offset + id * rowBytes,
        length: rowBytes,
      });
      rows.push(native.dequantize(tensor.type, bytes, config.dim));
    }
    return rows;
  } finally {
    await file.close();
  }
}
