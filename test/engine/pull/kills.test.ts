import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint } from '../../../src/engine/convert.ts';
import { checkpointFolder } from '../../helpers/checkpoints.ts';
import { plainOptions } from '../../helpers/converted.ts';
import { fineGrain, readPair } from '../../helpers/pulls.ts';
import { filesOf, startHub } from '../../helpers/stand-in-hub.ts';

const worker = fileURLToPath(new URL('../../helpers/pull-worker.ts', import.meta.url));
/** More outside CI: PULL_KILLS=30. */
const kills = Number(process.env['PULL_KILLS'] ?? 5);

test(`${kills} SIGKILLs over one pull: the same bytes in the end, and little of it twice`, async (context) => {
  const root = await mkdtemp(join(tmpdir(), 'pixtral-kills-'));
  const hub = await startHub({ 'tiny/Mistral-Tiny': { files: filesOf(checkpointFolder('mistral')) } });
  hub.limit(1_500_000);
  const mostPieces = kills > 10 ? 3 : 6; // so few that it does not come to its end before
  try {
    let killed = 0;
    while (killed < kills) {
      if (await run(hub.endpoint, root, (5 * killed) % mostPieces)) break;
      killed++;
      assert.deepEqual(
        (await readdir(join(root, 'models'))).filter((name) => !name.startsWith('.')),
        [],
      );
    }
    if (killed === kills) assert.ok(await run(hub.endpoint, root, Infinity));
    const copy = join(root, 'copy', 'Mistral-Tiny');
    await cp(checkpointFolder('mistral'), copy, { recursive: true });
    const expected = await convertCheckpoint(copy, {
      ...plainOptions('q8_0', join(root, 'expected')),
      mmprojType: 'f16',
    });
    const folder = join(root, 'models', 'mistral-tiny-q8_0');
    const found = await readPair({ model: join(folder, 'model.gguf'), mmproj: join(folder, 'mmproj.gguf') });
    assert.deepEqual(found, await readPair(expected));
    const all = Object.values(filesOf(checkpointFolder('mistral'))).reduce(
      (sum, { byteLength }) => sum + byteLength,
      0,
    );
    const twice = hub.sentBytes() - all;
    context.diagnostic(`${killed} kills: ${twice} bytes twice of ${all}, ${Math.round(twice / killed)} a kill`);
    const limit = (killed + 1) * (2 * fineGrain.saveBytes + fineGrain.windowBytes + 30_000); // and small files once more
    assert.ok(killed > 0 && twice < limit, `${killed} kills, ${twice} bytes twice of ${all}`);
  } finally {
    await hub.close();
    await rm(root, { recursive: true, force: true });
  }
});

/** Kills it after so many pieces. @returns whether it came to its end */
async function run(endpoint: string, root: string, pieces: number): Promise<boolean> {
  const child = spawn(process.execPath, ['--import', 'tsx', worker, endpoint, root, 'tiny/Mistral-Tiny'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seen = 0;
  let isDone = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'done') isDone = true;
    else if (seen++ === pieces) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return isDone;
}
