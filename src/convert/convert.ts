import { type FileHandle, mkdir, rmdir, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { byteSize } from '../base/byte-size.ts';
import { PixtralError } from '../base/errors.ts';
import { systemError } from '../base/files.ts';
import { type GgufLayout, layoutGguf } from '../gguf/write.ts';
import { ggufTokenizer } from '../tokenizer/gguf-keys.ts';
import type { Tekken } from '../tokenizer/tekken.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import type { Checkpoint } from '../weights/types.ts';
import { modelMetadata, projectorMetadata } from './metadata.ts';
import { pairId } from './pair-id.ts';
import { type PlannedTensor, parameterCount, planConversion } from './plan.ts';
import type { ConvertType } from './quantize.ts';
import type { RowCodec } from './rows.ts';
import { type SourceFiles, sourceFiles } from './source-files.ts';
import { checkpointTokenizer } from './tokenizer.ts';
import { writeTensors } from './write-tensors.ts';
import { writeTogether } from './write-together.ts';

export interface ConvertProgress {
  tensor: string;
  /** Path of the file being written. */
  file: string;
  doneBytes: number;
  /** Of both files. */
  totalBytes: number;
}

export interface ConvertOptions {
  /** Folder for `model.gguf` and `mmproj.gguf`; made if missing. */
  out: string;
  type: ConvertType;
  /** Jinja, for other programs: the template of the tokenizer's version. */
  chatTemplate: (version: Tekken['version']) => string;
  /** Stops within a chunk of some megabytes; nothing is left behind. */
  signal?: AbortSignal;
  onProgress?: (progress: ConvertProgress) => void;
  native: { ggml: RowCodec };
}

export interface Converted {
  /** Paths of the two files. */
  model: string;
  mmproj: string;
  bytes: number;
  /** What a user should know about the checkpoint. */
  notes: string[];
}

/**
 * Converts a checkpoint folder to a pair of GGUF files, tensor by tensor, in memory of some 100 MB. Both files appear
 * together at the end, or neither does.
 * @throws PixtralError `model` for a faulty checkpoint, `machine` for a full disk and the like
 */
export async function convert(folder: string, options: ConvertOptions): Promise<Converted> {
  const checkpoint = await openCheckpoint(folder);
  const tekken = await checkpointTokenizer(checkpoint);
  const source = sourceFiles();
  try {
    const layouts = await layOut(checkpoint, { tekken, source, options });
    const bytes = layouts.reduce((sum, { layout }) => sum + layout.byteLength, 0);
    await inFolder(options.out, bytes, () => writeBoth(layouts, { source, options, totalBytes: bytes }));
    const [model, mmproj] = layouts.map(({ path }) => path);
    return { model: model ?? '', mmproj: mmproj ?? '', bytes, notes: checkpoint.notes };
  } finally {
    await source.close();
  }
}

/** One file of the pair with everything decided. */
interface FileLayout {
  path: string;
  tensors: PlannedTensor[];
  layout: GgufLayout;
}

async function layOut(
  checkpoint: Checkpoint,
  { tekken, source, options }: { tekken: Tekken; source: SourceFiles; options: ConvertOptions },
): Promise<FileLayout[]> {
  const { config } = checkpoint;
  const { model, projector } = planConversion(checkpoint, options.type);
  const name = basename(resolve(checkpoint.folder)).replaceAll(/[-_]+/g, ' ');
  const common = { config, type: options.type, name, pairId: await pairId(checkpoint, source) };
  const chatTemplate = options.chatTemplate(tekken.version);
  const keys = ggufTokenizer(tekken);
  const modelKeys = modelMetadata(
    { ...common, parameters: parameterCount(model) },
    { keys, version: tekken.version, chatTemplate },
  );
  const projectorKeys = projectorMetadata({ ...common, parameters: parameterCount(projector) });
  return [
    { path: join(options.out, 'model.gguf'), tensors: model, layout: layoutGguf(modelKeys, model) },
    { path: join(options.out, 'mmproj.gguf'), tensors: projector, layout: layoutGguf(projectorKeys, projector) },
  ];
}

/** Makes the folder if it is missing, and takes it away again when it was made for nothing. */
async function inFolder(folder: string, bytes: number, write: () => Promise<void>): Promise<void> {
  const made = await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw systemError(folder, 'cannot write there', cause);
  });
  try {
    await requireSpace(folder, bytes);
    await write();
  } catch (thrown) {
    if (made !== undefined) await rmdir(folder).catch(() => undefined); // others may have put something there
    throw thrown;
  }
}

/** Refuses before anything is written when the pair cannot fit. */
async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder).catch((cause: unknown) => {
    throw systemError(folder, 'cannot write there', cause);
  });
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new PixtralError('machine', `${folder}: ${byteSize(free)} free, expected ${byteSize(bytes)} for the pair`, {
    hint: 'free some space, or write to another disk with --out',
  });
}

async function writeBoth(
  layouts: readonly FileLayout[],
  { source, options, totalBytes }: { source: SourceFiles; options: ConvertOptions; totalBytes: number },
): Promise<void> {
  const { signal, native, onProgress } = options;
  let doneBytes = 0;
  const parts = layouts.map(({ path, tensors, layout }) => ({
    path,
    write: async (file: FileHandle, partPath: string): Promise<void> => {
      doneBytes += layout.header.byteLength;
      const onChunk = (tensor: string, byteLength: number): void => {
        doneBytes += byteLength;
        onProgress?.({ tensor, file: path, doneBytes, totalBytes });
      };
      const threads = availableParallelism();
      await writeTensors(file, partPath, { tensors, layout, source, codec: native.ggml, threads, signal, onChunk });
    },
  }));
  await writeTogether(parts);
}
