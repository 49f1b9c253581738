import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cli } from '../helpers/cli.ts';
import { checkpointFolder } from '../helpers/checkpoints.ts';
import { filesOf, startHub } from '../helpers/stand-in-hub.ts';

/**
 * Outside CI: the Python client of the Hub downloads from the stand-in that our tests use, what it keeps is converted
 * from its cache, and what `pull --keep` keeps it finds again without the network.
 * Usage: npm run compare:hub -- <python with huggingface_hub>
 */
const python = process.argv[2] ?? 'python3';
const files = filesOf(checkpointFolder('mistral'));
const hub = await startHub({ 'tiny/Mistral-Tiny': { files, token: 'hf_right' } });
const root = mkdtempSync(join(tmpdir(), 'pixtral-peer-hub-'));

/** The path of the snapshot; the stand-in answers in this process meanwhile. */
async function snapshotDownload(home: string, offline: boolean): Promise<string> {
  const script = `import huggingface_hub as h; print(h.snapshot_download('tiny/Mistral-Tiny', local_files_only=${offline ? 'True' : 'False'}))`;
  const env = {
    ...process.env,
    HF_ENDPOINT: hub.endpoint,
    HF_HOME: home,
    HF_TOKEN: 'hf_right',
    HF_HUB_DISABLE_XET: '1',
  };
  const { stdout } = await promisify(execFile)(python, ['-c', script], { env });
  return stdout.trim();
}

function requireFiles(folder: string): void {
  for (const [name, bytes] of Object.entries(files)) {
    if (!readFileSync(join(folder, name)).equals(bytes)) throw new Error(`${name} differs`);
  }
}

async function pull(home: string, ...flags: string[]) {
  const models = join(root, `models-${flags.length}`);
  const env = { PIXTRAL_MODELS: models, HF_HOME: home, HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_right' };
  const { exitCode, stdout, stderr } = await cli(['pull', 'tiny/Mistral-Tiny', '--type', 'q8_0', '--json', ...flags], {
    env,
  });
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as { from: string };
}

try {
  const version = execFileSync(python, ['-c', 'import huggingface_hub as h; print(h.__version__)'], {
    encoding: 'utf8',
  });
  const theirs = join(root, 'theirs');
  await compare(theirs);
  process.stdout.write(
    `huggingface_hub ${version.trim()}: downloads from the stand-in, and both caches are each other's\n`,
  );
} finally {
  await hub.close();
  rmSync(root, { recursive: true, force: true });
}

async function compare(theirs: string): Promise<void> {
  requireFiles(await snapshotDownload(theirs, false));
  const before = hub.requests.length;
  const { from } = await pull(theirs);
  if (from !== 'cache' || hub.requests.length !== before) throw new Error(`converted from ${from}`);
  const ours = join(root, 'ours');
  await pull(ours, '--keep');
  requireFiles(await snapshotDownload(ours, true));
}
