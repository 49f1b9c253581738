import { totalmem } from 'node:os';
import { Command, Option } from 'commander';
import { modelsFolder } from '../../base/models-folder.ts';
import type { ConvertType } from '../../convert/types.ts';
import type { PullProgress, Pulled } from '../../engine/pull/options.ts';
import { type TypeFlags, typeOptions } from '../convert-options.ts';
import type { Io } from '../io.ts';
import { bytesIn, defaults, numberIn, outputOptions } from '../options.ts';
import { packageVersion } from '../package-version.ts';

interface PullFlags extends TypeFlags {
  type?: ConvertType;
  name?: string;
  force?: boolean;
  keep?: boolean;
  tokenFile?: string;
  connections: number;
  limitRate?: number;
  dht: boolean;
  json?: boolean;
}

export function pullCommand(io: Io): Command {
  const command = new Command('pull')
    .description('Install a model: weights from the Hub or by torrent, turned into a GGUF pair while they come.')
    .argument(
      '<what>',
      'pixtral-12b, owner/name[@revision], a page of the Hub, a magnet link, or a .torrent file or its address',
    );
  const groups = {
    'Types:': typeOptions({ default: undefined }),
    'Fetching:': [
      new Option('--connections <n>', 'at the same time')
        .argParser(numberIn({ min: 1, max: 64, integer: true }))
        .default(defaults.connections),
      new Option('--limit-rate <size>', 'at most so much a second, such as 5MB').argParser(bytesIn),
      new Option(
        '--token-file <file>',
        "where the Hub's access token stands (default: HF_TOKEN and the Hub's own places)",
      ),
    ],
    'Torrents:': [new Option('--no-dht', 'ask trackers alone for peers')],
    'Installing:': [
      new Option('--name <name>', 'what the model is called (default: as the weights and their type)'),
      new Option('--keep', "keep the original weights too, in the Hub's cache"),
      new Option('-f, --force', 'replace an installed model of that name'),
    ],
    'Output:': outputOptions('one JSON line on stdout, progress as JSON lines on stderr'),
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command.addHelpText('after', notes).action((what: string, flags: PullFlags) => pull(what, { flags, io }));
}

const notes = `
The original is not stored: tensors are converted as they come, and the pair gets its name when every sum is right.
A pull that was interrupted goes on where it stopped when the same command is run again. Weights that are in the Hub's
cache already are converted from there. A repository with a ready GGUF pair is fetched as it is.

HF_TOKEN, HF_TOKEN_PATH or the Hub's token file hold the token that gated weights need; HF_ENDPOINT names a mirror,
HF_HUB_OFFLINE=1 forbids the network, HTTPS_PROXY and NO_PROXY are heeded. Models are kept in PIXTRAL_MODELS.

Examples:
  pixtral pull pixtral-12b                              the best type for this machine's memory
  pixtral pull mistralai/Pixtral-12B-2409 --type q4_k_m
  pixtral pull ggml-org/pixtral-12b-GGUF --limit-rate 5MB
  pixtral pull 'magnet:?xt=urn:btih:7278e625de2b1da598b23954c13933047126238a'
  pixtral models                                        what is installed`;

async function pull(what: string, { flags, io }: { flags: PullFlags; io: Io }): Promise<void> {
  const json = flags.json === true;
  const { pullNamed } = await import('../../engine/pull/open-remote.ts');
  const { usualGrain } = await import('../../engine/pull/options.ts');
  const { jsonLine } = await import('../../wires/json.ts');
  const { noteLine } = await import('../../output/note.ts');
  const { byteProgress } = await import('../../output/byte-progress.ts');
  const progress = byteProgress(io.stderr, { json });
  const start = performance.now();
  const done = await pullNamed(what, {
    reach: {
      env: io.env,
      tokenFile: flags.tokenFile,
      limitRate: flags.limitRate,
      stallMilliseconds: defaults.stallSeconds * 1000,
      backoffMilliseconds: defaults.backoffSeconds * 1000,
      dht: flags.dht ? { bootstrap: undefined } : false,
    },
    keep: flags.keep === true,
    options: {
      store: modelsFolder(io.env),
      name: flags.name,
      type: flags.type,
      mmprojType: flags.mmprojType,
      overrides: flags.tensorType,
      imatrix: flags.imatrix,
      sourceUrl: undefined,
      convertedBy: `pixtral ${packageVersion()}`,
      force: flags.force === true,
      connections: flags.connections,
      memoryBytes: machineMemory(),
      grain: usualGrain,
      signal: io.signal,
      onProgress: (at: PullProgress) => progress.update(at),
      onNote: (note) => {
        progress.stop();
        io.stderr.write(noteLine(note, { json }));
      },
    },
  }).finally(() => {
    progress.stop();
    if (io.signal.aborted && !json) io.stderr.write('stopped: the same command goes on from here\n');
  });
  const seconds = (performance.now() - start) / 1000;
  if (json) io.stdout.write(jsonLine(pulledJson(done, seconds)));
  else {
    for (const note of done.notes) io.stderr.write(noteLine(note, { json }));
    if (done.from === 'installed') io.stderr.write(noteLine('is installed already', { json }));
    if (done.from === 'cache')
      io.stderr.write(noteLine("converted from the Hub's cache, without the network", { json }));
    io.stdout.write(`${done.name}\n`);
  }
}

/** `pull --json`, version 1. */
function pulledJson(done: Pulled, seconds: number) {
  const { name, folder, model, mmproj, type, bytes, fetchedBytes, resumedBytes, from, notes } = done;
  return {
    name,
    folder,
    model,
    mmproj,
    type,
    bytes,
    from,
    fetched_bytes: fetchedBytes,
    resumed_bytes: resumedBytes,
    seconds,
    notes,
  };
}

/** What a container may use, where it says so. */
function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}
