import { Command } from 'commander';
import type { Io } from '../io.ts';

interface TrimFlags {
  cpu?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export function trimCommand(io: Io): Command {
  return new Command('trim')
    .description('Make the installation smaller: remove the builds of llama.cpp that this machine cannot use.')
    .option('--cpu', 'those for GPUs too')
    .option('--dry-run', 'show what would be removed')
    .option('--json', 'one JSON line instead of text')
    .addHelpText('after', notes)
    .action((flags: TrimFlags) => trim(flags, io));
}

const notes = `
npm installs llama.cpp for every kind of machine with this system: CUDA and Vulkan without such a card, and other
processors. Installing pixtral again brings them back, for example when a card was added.

Examples:
  pixtral trim --dry-run
  pixtral trim
  npm install -g pixtral && pixtral trim --cpu`;

async function trim({ cpu = false, dryRun = false, json = false }: TrimFlags, io: Io): Promise<void> {
  const { buildNeeds, installedBuilds, isUsedByOwnBuild, needlessness, removeBuild } =
    await import('../../native/installed-builds.ts');
  const { trimmedJson, trimmedText } = await import('../../output/trimmed.ts');
  const { jsonLine } = await import('../../wires/json.ts');
  const needs = await buildNeeds({ cpuOnly: cpu });
  const builds = [];
  for (const build of await installedBuilds()) {
    const isOwn = await isUsedByOwnBuild(build);
    builds.push({ ...build, needless: isOwn ? undefined : needlessness(build.name, needs) });
  }
  if (!dryRun) {
    for (const build of builds.filter(({ needless }) => needless !== undefined)) {
      io.signal.throwIfAborted();
      await removeBuild(build);
    }
  }
  io.stdout.write(json ? jsonLine(trimmedJson(builds, { dryRun })) : trimmedText(builds, { dryRun }));
}
