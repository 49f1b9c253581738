import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  type ConvertType,
  type MmprojType,
  convertTypes,
  defaultMmprojType,
  mmprojTypes,
} from '../../../src/convert/types.ts';
import { convertCheckpoint } from '../../../src/engine/convert.ts';
import type { Grain } from '../../../src/engine/pull/options.ts';
import { demoCheckpoint } from '../../../src/engine/runtime/demo.ts';
import { checkpointFolder } from '../../helpers/checkpoints.ts';
import { plainOptions } from '../../helpers/converted.ts';
import { type PullTest, pullFine, readPair } from '../../helpers/pulls.ts';
import { mixedConfig, writeCaseImatrix } from '../../helpers/quantized.ts';
import { type StandInHub, filesOf, startHub } from '../../helpers/stand-in-hub.ts';
import { type Seeder, makeTorrent, startSeeder, startTracker } from '../../helpers/torrents.ts';
import { writeCheckpoint } from '../../helpers/weights.ts';

/** Rows of whole super-blocks, so that every type is written as itself: those of the fixtures are too short for most. */
const wideConfig = { ...mixedConfig, text: { ...mixedConfig.text, layers: 2 } };
const overrides = [{ pattern: /attn_v/i, type: 'q8_0' }] as const;

/** Checkpoints on the disk, and each also on the Hub and as a torrent. */
const names = ['Wide-mistral', 'Wide-huggingface', 'Tiny-mistral', 'Tiny-huggingface', 'Demo'] as const;
type Name = (typeof names)[number];

let root: string;
let hub: StandInHub;
let tracker: Awaited<ReturnType<typeof startTracker>>;
const seeders: Seeder[] = [];
const folderOf = (name: Name): string => join(root, name);

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixtral-types-'));
  for (const layout of ['mistral', 'huggingface'] as const) {
    await writeCheckpoint(folderOf(`Wide-${layout}`), { layout, dtype: 'BF16', config: wideConfig });
    await cp(checkpointFolder(layout), folderOf(`Tiny-${layout}`), { recursive: true });
  }
  await cp(demoCheckpoint, folderOf('Demo'), { recursive: true });
  const files = names.map((name) => [name, filesOf(folderOf(name))] as const);
  hub = await startHub(Object.fromEntries(files.map(([name, files]) => [`own/${name}`, { files }])));
  tracker = await startTracker(() => seeders.map(({ port }) => port));
  for (const [name, contents] of files) {
    const torrent = makeTorrent(contents, { name, pieceLength: 65_536, trackers: [tracker.url] });
    seeders.push(await startSeeder(torrent));
    await writeFile(byTorrent(name), torrent.bytes);
  }
});
after(async () => {
  for (const seeder of seeders) await seeder.close();
  await tracker.close();
  await hub.close();
  await rm(root, { recursive: true, force: true });
});

interface Wanted extends Partial<Pick<PullTest, 'overrides' | 'imatrix'>> {
  type: ConvertType;
  mmprojType?: MmprojType;
  sources: readonly ((name: Name) => string)[];
}

/** Some ten pieces of each checkpoint. */
const grain: Grain = { segmentBytes: 300_000, windowBytes: 1_200_000, saveBytes: 600_000 };
const fromHub = (name: Name): string => `own/${name}`;
const byTorrent = (name: Name): string => join(root, `${name}.torrent`);

/** `pull` makes what `convert` makes of the files on the disk. */
async function compare(
  name: Name,
  { type, mmprojType = defaultMmprojType(type), sources, ...others }: Wanted,
): Promise<void> {
  const wanted = { type, mmprojType, ...others };
  const out = join(root, 'converted');
  const converting = { ...plainOptions(type, out), ...wanted, force: true };
  const expected = await readPair(await convertCheckpoint(folderOf(name), converting));
  for (const what of sources.map((nameAt) => nameAt(name))) {
    const pulled = await pullFine(what, {
      endpoint: hub.endpoint,
      root,
      grain,
      ...wanted,
      name: 'pulled',
      force: true,
    });
    assert.equal(pulled.from, 'network');
    const found = await readPair(pulled);
    assert.ok(
      found.every((bytes, index) => bytes.equals(expected[index]!)),
      `${what} to ${type}, ${mmprojType}`,
    );
  }
}

describe('a pair that is pulled is the one that convert makes', () => {
  const cases = [
    ['Wide-mistral', [fromHub, byTorrent]],
    ['Wide-huggingface', [fromHub, byTorrent]],
    ['Tiny-mistral', [fromHub]],
    ['Tiny-huggingface', [fromHub]],
    ['Demo', [fromHub]],
  ] as const;
  for (const [name, sources] of cases) {
    test(`${name}, every type`, async () => {
      for (const type of convertTypes) await compare(name, { type, sources });
    });
  }

  test('the demo by torrent', () => compare('Demo', { type: 'q4_k_m', sources: [byTorrent] }));

  for (const name of ['Wide-mistral', 'Wide-huggingface'] as const) {
    test(`${name}, every type of the projector, a tensor's own type, an importance matrix`, async () => {
      const sources = [fromHub];
      for (const mmprojType of mmprojTypes) await compare(name, { type: 'q8_0', mmprojType, sources });
      await compare(name, { type: 'q4_k_m', overrides, sources });
      const imatrix = writeCaseImatrix(root, { format: 'gguf', config: wideConfig });
      await compare(name, { type: 'iq4_xs', imatrix, sources });
    });
  }
});
