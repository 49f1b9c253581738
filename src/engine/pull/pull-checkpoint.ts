import { basename, join } from 'node:path';
import { type OpenRanged, openOnDisk } from '../../base/ranged-file.ts';
import type { TokenizerKeys } from '../../convert/metadata.ts';
import {
  type PlannedPair,
  type PlannedTensors,
  layOutPair,
  planTensors,
  tokenizerKeys,
} from '../../convert/plan-pair.ts';
import { segmentsOf } from '../../convert/segments.ts';
import { type ConvertType, defaultMmprojType } from '../../convert/types.ts';
import type { RemoteFile } from '../../hub/remote.ts';
import { chatTemplate } from '../../prompt/chat-template.ts';
import type { InstalledModel } from '../../store/models.ts';
import { openCheckpoint } from '../../weights/checkpoint.ts';
import { bestType } from './best-type.ts';
import { installedAs, modelName } from './model-name.ts';
import type { PullWork } from './options.ts';
import { fetchHeaders, fetchSmallFiles } from './small-files.ts';
import { type CheckpointChoice, type EarlyRange, type MadePair, streamPair, unknownPairId } from './stream-pair.ts';

/** Nothing was left to do. */
export interface InstalledPair {
  kind: 'installed';
  model: InstalledModel;
}

/**
 * Converts a checkpoint while it comes: the original is not stored. What was done is kept for the next run.
 * @throws PixtralError `model` when a sum is wrong or the checkpoint is faulty; nothing is kept then
 */
export async function pullCheckpoint(choice: CheckpointChoice, pull: PullWork): Promise<MadePair | InstalledPair> {
  const { remote, options, work } = pull;
  const folder = join(work, 'source', remote.name);
  const totalBytes = choice.weights.reduce((sum, { byteLength }) => sum + byteLength, 0);
  await fetchSmallFiles(choice.small, {
    remote,
    folder,
    signal: options.signal,
    onFetch: (tensor) => options.onProgress({ stage: 'fetch', tensor, doneBytes: 0, totalBytes, skippedBytes: 0 }),
  });
  const headers = await fetchHeaders(choice.weights, { remote, folder, signal: options.signal });
  const early: EarlyRange[] = [];
  const checkpoint = await openCheckpoint(folder, openHeaders(choice.weights, { pull, folder, headers, early }));
  let tokenizer: TokenizerKeys | undefined;
  const layOut = async (type: ConvertType, { tensors, id }: PlannedId): Promise<PlannedPair> => {
    tokenizer ??= await tokenizerKeys(checkpoint, { chatTemplate });
    return layOutPair(checkpoint, { id, tokenizer, tensors, options: planning(pull, type) });
  };
  const type = await chosenType(pull, async (type) => {
    const tensors = await planTensors(checkpoint, planning(pull, type));
    return (await layOut(type, { tensors, id: unknownPairId })).byteLength;
  });
  const { out, mmprojType } = planning(pull, type);
  const installed = await installedAs(basename(out), { revision: remote.revision, type, mmprojType, options });
  if (installed) return { kind: 'installed', model: installed };
  const tensors = await planTensors(checkpoint, planning(pull, type));
  const segments = segmentsOf([...tensors.model, ...tensors.projector], {
    files: choice.weights.map(({ path, byteLength }) => ({ path: join(folder, path), byteLength })),
    byteLength: options.grain.segmentBytes,
  });
  return streamPair(pull, {
    choice,
    folder,
    headers,
    early,
    checkpoint,
    type,
    out,
    segments,
    layOut: (id) => layOut(type, { tensors, id }),
  });
}

interface PlannedId {
  tensors: PlannedTensors;
  id: string;
}

async function chosenType({ options }: PullWork, sizeOf: (type: ConvertType) => Promise<number>): Promise<ConvertType> {
  if (options.type !== undefined) return options.type;
  const { type, reason } = await bestType(sizeOf, options.memoryBytes);
  options.onNote(reason);
  return type;
}

function planning({ remote, options, work }: PullWork, type: ConvertType) {
  return {
    out: join(work, modelName(remote.name, { type, name: options.name })),
    type,
    mmprojType: options.mmprojType ?? defaultMmprojType(type),
    overrides: options.overrides,
    imatrix: options.imatrix,
    name: remote.name,
    sourceUrl: options.sourceUrl,
    convertedBy: options.convertedBy,
    chatTemplate,
  };
}

interface OpeningHeaders {
  pull: PullWork;
  folder: string;
  headers: ReadonlyMap<string, Buffer>;
  /** Takes what is read beyond the headers. */
  early: EarlyRange[];
}

/**
 * Files of weights of which only the headers are here, with the lengths that they have elsewhere. What is read beyond
 * the headers comes from there.
 */
function openHeaders(
  weights: readonly RemoteFile[],
  { pull: { remote, options }, folder, headers, early }: OpeningHeaders,
): OpenRanged {
  const files = new Map(weights.map((file) => [join(folder, file.path), file]));
  return async (local) => {
    const disk = await openOnDisk(local);
    const file = files.get(local);
    if (!file) return disk;
    const { path, byteLength } = file;
    return {
      ...disk,
      byteLength,
      read: async ({ position: start, length }) => {
        if (start + length <= headers.get(path)!.byteLength) return disk.read({ position: start, length });
        const bytes = await remote.read({ path, start, end: start + length }, options.signal);
        early.push({ path, start, bytes });
        return bytes;
      },
    };
  };
}
