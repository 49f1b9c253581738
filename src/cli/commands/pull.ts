import { totalmem } from 'node:os';
import { Command, Option } from 'commander';
import { byteSize } from '../../base/byte-size.ts';
import { collectRarely } from '../../base/collect-rarely.ts';
import { PixtralError } from '../../base/errors.ts';
import { modelsFolder } from '../../base/models-folder.ts';
import type { ConvertType } from '../../convert/types.ts';
import type { PullProgress, Pulled, Seeding } from '../../engine/pull/options.ts';
import { type TypeFlags, typeOptions } from '../convert-options.ts';
import type { Io } from '../io.ts';
import { bytesIn, defaults, numberIn, outputOptions } from '../options.ts';
import { packageVersion } from '../package-version.ts';
import { shownAt } from '../../output/printable.ts';

interface PullFlags extends TypeFlags {
  type?: ConvertType;
  name?: string;
  force?: boolean;
  keep?: boolean;
  seed?: boolean;
  seedRatio?: number;
  seedPort?: number;
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
    'Torrents:': [
      new Option('--no-dht', 'ask trackers alone for peers'),
      new Option('--seed', 'with --keep: send it to others afterwards, until Ctrl-C or the ratio'),
      new Option('--seed-ratio <n>', `times its size that are sent (default: ${defaults.seedRatio})`).argParser(
        numberIn({ min: 0.01, max: 1e6 }),
      ),
      new Option('--seed-port <n>', 'others connect to it (default: 6881 or the next that is free)').argParser(
        numberIn({ min: 1, max: 65_535, integer: true }),
      ),
    ],
    'Installing:': [
      new Option('--name <name>', 'what the model is called (default: as the weights and their type)'),
      new Option('--keep', "keep the original too: in the Hub's cache, or whole among the torrents"),
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
  pixtral pull 'magnet:?xt=urn:btih:7278e625de2b1da598b23954c13933047126238a' --keep --seed
  pixtral models                                        what is installed`;

async function pull(what: string, { flags, io }: { flags: PullFlags; io: Io }): Promise<void> {
  requireSeeding(flags);
  collectRarely();
  const { pullNamed } = await import('../../engine/pull/open-remote.ts');
  const { usualGrain } = await import('../../engine/pull/options.ts');
  const said = await output(flags, io);
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
    seeding: flags.seed === true ? seeding(flags, said) : undefined,
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
      onProgress: said.onProgress,
      onNote: said.note,
    },
  }).finally(said.end);
  said.show(done);
}

/** What is said of a pull while it goes on, and of its result, once. */
interface PullOutput {
  onProgress: (at: PullProgress) => void;
  note: (text: string) => void;
  show: (done: Pulled) => void;
  end: () => void;
}

async function output(flags: PullFlags, io: Io): Promise<PullOutput> {
  const json = flags.json === true;
  const { jsonLine } = await import('../../wires/json.ts');
  const { noteLine } = await import('../../output/note.ts');
  const { byteProgress } = await import('../../output/byte-progress.ts');
  const progress = byteProgress(io.stderr, { json });
  const start = performance.now();
  let isShown = false;
  const note = (text: string): void => {
    progress.stop();
    io.stderr.write(noteLine(text, { json }));
  };
  return {
    onProgress: (at) => progress.update(at),
    note,
    show(done) {
      if (isShown) return;
      progress.stop();
      isShown = true;
      const seconds = (performance.now() - start) / 1000;
      if (json) return io.stdout.write(jsonLine(pulledJson(done, seconds)));
      for (const text of [...done.notes, ...notesOf(done)]) note(text);
      io.stdout.write(`${shownAt(io.stdout, done.name)}\n`);
    },
    end() {
      progress.stop();
      if (io.signal.aborted && !isShown && !json) io.stderr.write('stopped: the same command goes on from here\n');
    },
  };
}

/** The result is shown when others can connect: seeding may go on for days. */
function seeding({ seedRatio, seedPort }: PullFlags, { note, show }: PullOutput): Seeding {
  const ratio = seedRatio ?? defaults.seedRatio;
  return {
    ratio,
    port: seedPort,
    onBegin(pulled, port) {
      show(pulled);
      note(`seeding at port ${port}, until ${ratio} times its size is sent; Ctrl-C ends it`);
    },
    onEnd: (sent) => note(`${byteSize(sent.sentBytes)} sent to others, ${sent.ratio.toFixed(2)} of its size`),
  };
}

/** @throws PixtralError `usage` for what seeding needs or is of no use without it */
function requireSeeding({ keep, seed, seedRatio, seedPort }: PullFlags): void {
  if (seed === true) {
    if (keep !== true) throw new PixtralError('usage', '--seed: sends what is kept, expected --keep beside it');
    return;
  }
  const needless = Object.entries({ '--seed-ratio': seedRatio, '--seed-port': seedPort }).find(([, value]) => value);
  if (needless) throw new PixtralError('usage', `${needless[0]}: is of no use without --seed`);
}

/** How it came, in words. */
function notesOf({ from, kept }: Pulled): string[] {
  return [
    ...(from === 'installed' ? ['is installed already'] : []),
    ...(from === 'cache' ? ['converted from what is kept here, without the network'] : []),
    ...(kept === undefined ? [] : [`the original is kept in ${kept}`]),
  ];
}

/** `pull --json`, version 1. */
function pulledJson(done: Pulled, seconds: number) {
  const { name, folder, model, mmproj, type, bytes, fetchedBytes, resumedBytes, from, kept, notes } = done;
  return {
    name,
    folder,
    model,
    mmproj,
    type,
    bytes,
    from,
    kept,
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
