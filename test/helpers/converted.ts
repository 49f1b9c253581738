import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConvertType, type MmprojType, defaultMmprojType } from '../../src/convert/types.ts';
import { type ConvertCheckpointOptions, convertCheckpoint } from '../../src/engine/convert.ts';
import type { Native } from '../../src/native/native.ts';
import { type Relative, type TinyCheckpoint, checkpointFolder, layoutFiles } from './checkpoints.ts';

export interface ConvertedPair {
  folder: string;
  model: string;
  mmproj: string;
  remove(): Promise<void>;
}

/** A plain conversion of the text model and the projector to one type. */
export function plainOptions(type: ConvertType, out: string): ConvertCheckpointOptions & { mmprojType: MmprojType } {
  return {
    out,
    type,
    mmprojType: type === 'q8_0' ? type : defaultMmprojType(type),
    overrides: [],
    imatrix: undefined,
    sourceUrl: undefined,
    convertedBy: 'pixtral test',
    force: false,
    check: false,
  };
}

/** One of the two layouts that a folder of the Hub holds, alone. */
export async function oneLayout(
  folder: string,
  { name, layout }: { name: Relative; layout: keyof typeof layoutFiles },
): Promise<string> {
  const alone = join(folder, layout, name);
  await mkdir(alone, { recursive: true });
  for (const file of layoutFiles[layout]) await copyFile(join(checkpointFolder(name), file), join(alone, file));
  return alone;
}

/** One of the tiny checkpoints as a GGUF pair in a folder of its own. */
export function convertedPair(layout: TinyCheckpoint, type: ConvertType, native?: Native): Promise<ConvertedPair> {
  return convertedFolder(checkpointFolder(layout), type, native);
}

/** Any checkpoint as a GGUF pair in a folder of its own. */
export async function convertedFolder(checkpoint: string, type: ConvertType, native?: Native): Promise<ConvertedPair> {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-test-'));
  const { model, mmproj } = await convertCheckpoint(checkpoint, { ...plainOptions(type, folder), native });
  return { folder, model, mmproj, remove: () => rm(folder, { recursive: true, force: true }) };
}
