import { basename, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { type ConvertType, defaultMmprojType } from '../../convert/types.ts';
import { type TypeFlags, typeOptions } from '../convert-options.ts';
import type { Io } from '../io.ts';
import { defaults, outputOptions } from '../options.ts';
import { packageVersion } from '../package-version.ts';

interface ConvertFlags extends TypeFlags {
  out?: string;
  type: ConvertType;
  source?: string;
  lora?: string;
  dryRun?: boolean;
  check?: boolean;
  force?: boolean;
  json?: boolean;
}

export function convertCommand(io: Io): Command {
  const command = new Command('convert')
    .description("Turn Mistral's or Hugging Face's weights into model.gguf and mmproj.gguf, in one streaming pass.")
    .argument(
      '<folder>',
      "checkpoint (params.json or config.json, safetensors, tokenizer), or the name of one in the Hub's cache",
    )
    .option(
      '-o, --out <folder>',
      'where to write (default: <folder>-<type>, with an adapter <folder>-<adapter>-<type>)',
    );
  const groups = {
    'Weights:': [new Option('--lora <folder>', 'adapter of PEFT (adapter_config.json) to be merged into the weights')],
    'Types:': typeOptions({ default: defaults.convertType }),
    'Running:': [
      new Option('--dry-run', 'print what would be written, tensor by tensor, and write nothing'),
      new Option('--check', 'convert once more and compare with what is on disk; also for files that are there'),
      new Option('-f, --force', 'replace files that are there'),
      new Option('--source <url>', "where the weights came from, for the files' metadata"),
    ],
    'Output:': outputOptions('one JSON line on stdout, progress as JSON lines on stderr'),
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command
    .addHelpText('after', notes)
    .action((folder: string, flags: ConvertFlags) => convert(folder, { flags, io }));
}

const notes = `
Types, with the size of Pixtral-12B's pair:
  bf16 25.4 GB, the weights as they are     q6_k   10.9 GB, hardly worse than q8_0
  q8_0 13.9 GB, answers like bf16           q4_k_m  8.3 GB, the usual choice for 12 GB of memory

A conversion that was interrupted goes on where it stopped when the same command is run again.

Examples:
  pixtral convert ~/pixtral-12b-240910 --type q4_k_m
  pixtral convert ~/pixtral-12b-240910 --type q4_k_m --tensor-type 'attn_v=q8_0' --dry-run
  pixtral convert ~/pixtral-12b-240910 --type q4_k_m --check    compare an existing pair with its checkpoint`;

async function convert(named: string, { flags, io }: { flags: ConvertFlags; io: Io }): Promise<void> {
  const cached = await inHubCache(named, io);
  const folder = cached?.folder ?? named;
  const options = {
    out: flags.out ?? usualOut(cached?.name ?? named, flags),
    lora: flags.lora,
    name: cached?.name,
    type: flags.type,
    mmprojType: flags.mmprojType ?? defaultMmprojType(flags.type),
    overrides: flags.tensorType,
    imatrix: flags.imatrix,
    sourceUrl: flags.source,
    convertedBy: `pixtral ${packageVersion()}`,
  };
  const json = flags.json === true;
  const { convertCheckpoint, planCheckpoint } = await import('../../engine/convert.ts');
  const { jsonLine } = await import('../../wires/json.ts');
  if (flags.dryRun === true) {
    const { planJson, planText } = await import('../../output/conversion.ts');
    const pair = await planCheckpoint(folder, options);
    io.stdout.write(json ? jsonLine(planJson(pair)) : planText(pair));
    return;
  }
  const { noteLine } = await import('../../output/note.ts');
  const { byteProgress } = await import('../../output/byte-progress.ts');
  const progress = byteProgress(io.stderr, { json });
  const start = performance.now();
  const done = await convertCheckpoint(folder, {
    ...options,
    force: flags.force === true,
    check: flags.check === true,
    signal: io.signal,
    onProgress: (at) => progress.update(at),
  }).finally(() => {
    progress.stop();
    if (io.signal.aborted && !json) io.stderr.write('stopped: the same command goes on from here\n');
  });
  const seconds = (performance.now() - start) / 1000;
  if (!json) {
    for (const note of done.notes) io.stderr.write(noteLine(note, { json }));
    if (done.checked) io.stderr.write('checked: every tensor is as the checkpoint says\n');
  }
  const { model, mmproj, bytes, resumedBytes, checked, notes: said } = done;
  const result = { model, mmproj, bytes, resumed_bytes: resumedBytes, checked, seconds, notes: said };
  io.stdout.write(json ? jsonLine(result) : `${model}\n${mmproj}\n`);
}

function usualOut(named: string, { lora, type }: ConvertFlags): string {
  const adapter = lora === undefined ? [] : [basename(resolve(lora))];
  return [named.replace(/[/\\]+$/, ''), ...adapter, type].join('-');
}

/** `owner/name` is a folder if there is one, else a repository whose snapshot is in the Hub's cache. */
async function inHubCache(named: string, { env }: Io): Promise<{ folder: string; name: string } | undefined> {
  const { access } = await import('node:fs/promises');
  const isHere = await access(named).then(
    () => true,
    () => false,
  );
  if (isHere) return undefined;
  const { cachedCheckpoint } = await import('../../engine/pull/open-remote.ts');
  return cachedCheckpoint(named, env);
}
