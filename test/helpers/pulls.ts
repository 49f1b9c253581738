import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConvertType } from '../../src/convert/types.ts';
import { type ReachOptions, pullNamed } from '../../src/engine/pull/open-remote.ts';
import type { Grain, PullOptions, Pulled, Seeding } from '../../src/engine/pull/options.ts';

/** So fine that a tiny checkpoint has many pieces, of which a few are on their way at a time. */
export const fineGrain: Grain = { segmentBytes: 40_000, windowBytes: 160_000, saveBytes: 80_000 };

export interface PullTest extends Partial<PullOptions> {
  endpoint: string;
  /** Folder of everything. */
  root: string;
  type: ConvertType;
  env?: Record<string, string>;
  keeps?: boolean;
  seeding?: Seeding;
  publications?: Readonly<Record<string, string>>;
  dht?: ReachOptions['dht'];
  stallMilliseconds?: number;
}

/** A pull with what tests need, at a fine grain, without long pauses. */
export function pullFine(
  what: string,
  { endpoint, root, env = {}, keeps = false, seeding, publications, ...rest }: PullTest,
): Promise<Pulled> {
  const { dht = false, stallMilliseconds = 1500, ...options } = rest;
  return pullNamed(what, {
    reach: {
      env: { HF_ENDPOINT: endpoint, HF_HOME: join(root, 'hf'), PIXTRAL_DATA: join(root, 'data'), ...env },
      tokenFile: undefined,
      limitRate: undefined,
      stallMilliseconds,
      backoffMilliseconds: 1,
      dht,
      publications,
    },
    keep: keeps,
    seeding,
    options: {
      store: join(root, 'models'),
      name: undefined,
      mmprojType: undefined,
      overrides: [],
      imatrix: undefined,
      sourceUrl: undefined,
      convertedBy: 'pixtral test',
      force: false,
      connections: 3,
      memoryBytes: 1e12,
      grain: fineGrain,
      signal: new AbortController().signal,
      onProgress: () => {},
      onNote: () => {},
      ...options,
    },
  });
}

export function readPair({ model, mmproj }: { model: string; mmproj: string }): Promise<Buffer[]> {
  return Promise.all([model, mmproj].map((path) => readFile(path)));
}
