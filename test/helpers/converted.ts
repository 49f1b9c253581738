import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConvertType } from '../../src/convert/quantize.ts';
import { convertCheckpoint } from '../../src/engine/convert.ts';
import type { Native } from '../../src/native/native.ts';
import { type TinyCheckpoint, checkpointFolder } from './checkpoints.ts';

export interface ConvertedPair {
  folder: string;
  model: string;
  mmproj: string;
  remove(): Promise<void>;
}

/** One of the tiny checkpoints as a GGUF pair in a folder of its own. */
export async function convertedPair(
  layout: TinyCheckpoint,
  type: ConvertType,
  native?: Native,
): Promise<ConvertedPair> {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-test-'));
  const { model, mmproj } = await convertCheckpoint(checkpointFolder(layout), {
    out: folder,
    type,
    force: false,
    native,
  });
  return { folder, model, mmproj, remove: () => rm(folder, { recursive: true, force: true }) };
}
