import type { TensorTypeOverride } from '../../convert/mixture.ts';
import type { ConvertType, MmprojType } from '../../convert/types.ts';
import type { Remote } from '../../hub/remote.ts';

/** What a user asked for. */
export interface PullOptions {
  /** Folder of the installed models. */
  store: string;
  /** Of the installed model; undefined: as the weights and the type are called. */
  name: string | undefined;
  /** Undefined: the best that fits this machine's memory. */
  type: ConvertType | undefined;
  /** Undefined: as `convert` chooses. */
  mmprojType: MmprojType | undefined;
  overrides: readonly TensorTypeOverride[];
  imatrix: string | undefined;
  sourceUrl: string | undefined;
  /** `pixtral 1.2.0` */
  convertedBy: string;
  /** Replace an installed model of that name. */
  force: boolean;
  connections: number;
  /** The Hub's cache, when the original is to be kept there. */
  keep: { cache: string; revisionName: string } | undefined;
  /** Of this machine's memory. */
  memoryBytes: number;
  grain: Grain;
  signal: AbortSignal;
  onProgress: (progress: PullProgress) => void;
  onNote: (note: string) => void;
}

/** Sending a torrent to others once it is here. */
export interface Seeding {
  /** Ends when so many times the torrent's bytes were sent. */
  ratio: number;
  /** To listen at; undefined: the usual ones. */
  port: number | undefined;
  /** The model is installed, and others can connect. */
  onBegin: (pulled: Pulled, port: number) => void;
  onEnd: (sent: { sentBytes: number; ratio: number }) => void;
}

/** How finely a pull works. */
export interface Grain {
  /** Of a request, and of what is converted at a time. */
  segmentBytes: number;
  /** Of what waits for its turn. */
  windowBytes: number;
  /** Between two savings; with twice that and the window, all that can be fetched twice. */
  saveBytes: number;
}

export const usualGrain: Grain = { segmentBytes: 8e6, windowBytes: 96e6, saveBytes: 64e6 };

export interface PullProgress {
  /** `fetch`: the small files, before the weights. */
  stage: 'fetch' | 'pull' | 'write' | 'keep' | 'seed';
  tensor: string;
  doneBytes: number;
  totalBytes: number;
  skippedBytes: number;
}

export interface Pulled {
  name: string;
  folder: string;
  model: string;
  mmproj: string;
  type: string;
  bytes: number;
  /** Over the line, in this run. */
  fetchedBytes: number;
  /** Of the source, what earlier runs had done. */
  resumedBytes: number;
  /** It was there before, or made of files that were. */
  from: 'network' | 'cache' | 'installed';
  /** Where the original of a torrent is kept. */
  kept: string | undefined;
  notes: string[];
}

export interface PullWork {
  remote: Remote;
  options: PullOptions;
  /** Scratch folder of this revision. */
  work: string;
}
