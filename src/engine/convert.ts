import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { PixtralError } from '../base/errors.ts';
import { type ConvertProgress, type Converted, convert } from '../convert/convert.ts';
import type { ConvertType } from '../convert/quantize.ts';
import { type Native, openNative } from '../native/native.ts';
import { chatTemplate } from '../prompt/chat-template.ts';
import { templates } from '../prompt/template.ts';

export interface ConvertCheckpointOptions {
  /** Folder for `model.gguf` and `mmproj.gguf`. */
  out: string;
  type: ConvertType;
  /** Replace files that are there. */
  force: boolean;
  /** A runtime that is open already; two in one process would close each other's log. */
  native?: Native | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ConvertProgress) => void) | undefined;
}

/**
 * Converts a checkpoint folder into a GGUF pair with llama.cpp's own row converters.
 * @throws PixtralError as `convert`, and `usage` when files would be overwritten without `force`
 */
export async function convertCheckpoint(folder: string, options: ConvertCheckpointOptions): Promise<Converted> {
  const { out, type, force, signal, onProgress } = options;
  if (!force) await refuseOverwrite(out);
  const native = options.native ?? (await openNative({ gpu: 'off', onLog: () => {} }));
  try {
    return await convert(folder, {
      out,
      type,
      chatTemplate: (version) => chatTemplate(templates[version]),
      native,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
  } finally {
    if (!options.native) await native.close();
  }
}

async function refuseOverwrite(out: string): Promise<void> {
  for (const name of ['model.gguf', 'mmproj.gguf']) {
    const path = join(out, name);
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) {
      throw new PixtralError('usage', `${path}: is there already`, {
        hint: 'use --force to replace it, or another --out',
      });
    }
  }
}
