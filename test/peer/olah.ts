import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder } from '../helpers/checkpoints.ts';
import { pullFine, readPair } from '../helpers/pulls.ts';
import { filesOf, startHub } from '../helpers/stand-in-hub.ts';

/**
 * Outside CI: `pull` through olah, a mirror of the Hub that people run, in front of the stand-in of the tests.
 * Usage: npm run compare:olah -- <folder of programs that holds olah-cli>
 */
const programs = process.argv[2] ?? '';
const root = mkdtempSync(join(tmpdir(), 'pixtral-olah-'));
const hub = await startHub({ 'tiny/Mistral-Tiny': { files: filesOf(checkpointFolder('mistral')) } });
const netloc = new URL(hub.endpoint).host;
const port = await freePort();
const upstream = ['--hf-scheme', 'http', '--hf-netloc', netloc, '--hf-lfs-netloc', netloc];
const mirror = [
  '--mirror-scheme',
  'http',
  '--mirror-netloc',
  `127.0.0.1:${port}`,
  '--mirror-lfs-netloc',
  `127.0.0.1:${port}`,
];
const folders = ['--repos-path', join(root, 'repos'), '--log-path', join(root, 'logs')];
const olah = spawn(
  join(programs, 'olah-cli'),
  ['--host', '127.0.0.1', '--port', String(port), ...upstream, ...mirror, ...folders],
  {
    stdio: 'ignore',
  },
);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilItAnswers(): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error('olah does not answer');
}

try {
  await untilItAnswers();
  const options = { root, type: 'q8_0', stallMilliseconds: 20_000 } as const;
  const direct = await readPair(
    await pullFine('tiny/Mistral-Tiny', { ...options, endpoint: hub.endpoint, name: 'direct' }),
  );
  const endpoint = `http://127.0.0.1:${port}`;
  const mirrored = await readPair(
    await pullFine('tiny/Mistral-Tiny', {
      ...options,
      endpoint,
      name: 'mirrored',
      onNote: (note) => process.stderr.write(`${note}\n`),
    }),
  );
  if (!direct.every((bytes, index) => bytes.equals(mirrored[index]!))) throw new Error('another pair');
  const version = execFileSync(join(programs, 'pip'), ['show', 'olah'], { encoding: 'utf8' }).match(
    /^Version: (.*)$/m,
  )?.[1];
  process.stdout.write(`olah ${version}: the same pair through it\n`);
} finally {
  olah.kill();
  await hub.close();
  rmSync(root, { recursive: true, force: true });
}
