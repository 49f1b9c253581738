import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { buildsFolder } from '../../base/builds-folder.ts';
import { PixtralError } from '../../base/errors.ts';
import type { BuildTarget, OwnBuild } from '../../native/own/record.ts';
import type { ListedBuild } from '../../output/builds.ts';
import type { Io } from '../io.ts';
import { numberIn } from '../options.ts';

interface BuildFlags {
  cuda?: boolean;
  vulkan?: boolean;
  jobs?: number;
  force?: boolean;
  list?: boolean;
  remove?: string;
  json?: boolean;
}

export function buildCommand(io: Io): Command {
  return new Command('build')
    .description("Compile llama.cpp's arithmetic for this machine, from the source that came with the packages.")
    .addOption(new Option('--cuda', "the CUDA backend too, for this machine's cards (needs nvcc)").conflicts('vulkan'))
    .option('--vulkan', 'the Vulkan backend too (needs glslc)')
    .addOption(
      new Option('-j, --jobs <n>', 'compilers at once (default: one a core)').argParser(
        numberIn({ min: 1, max: 1024, integer: true }),
      ),
    )
    .option('--force', 'build again what is built already')
    .addOption(new Option('--list', 'show what is built').conflicts(['cuda', 'vulkan', 'force', 'remove']))
    .addOption(new Option('--remove <name>', 'remove a build, or all').conflicts(['cuda', 'vulkan', 'force']))
    .option('--json', 'one JSON line instead of text')
    .addHelpText('after', notes)
    .action((flags: BuildFlags) => {
      if (flags.list === true) return list(flags, io);
      if (flags.remove !== undefined) return remove(flags.remove, { flags, io });
      return make(flags, io);
    });
}

const notes = `
Needs git, cmake, a C++ compiler and make or ninja; nothing is fetched. CC and CXX choose another compiler. What is built
is tried in a process of its own beside the prebuilt library, and used only if it computes the same; pixtral build
--remove all goes back. It is kept in PIXTRAL_BUILDS, or in the platform's folder for pixtral's data.

Examples:
  pixtral build
  pixtral build --cuda
  pixtral build --list
  pixtral build --remove all`;

async function make(flags: BuildFlags, io: Io): Promise<void> {
  const { makeBuild } = await import('../../native/own/make-build.ts');
  const { buildJson, buildProgress, madeText } = await import('../../output/builds.ts');
  const progress = buildProgress(io.stderr);
  const target: BuildTarget = flags.cuda === true ? 'cuda' : flags.vulkan === true ? 'vulkan' : 'cpu';
  try {
    const made = await makeBuild({
      target,
      folder: buildsFolder(io.env),
      jobs: flags.jobs ?? availableParallelism(),
      force: flags.force === true,
      onProgress: (step) => flags.json === true || progress.update(step),
      signal: io.signal,
    });
    progress.stop();
    const { build, isOld } = made;
    const json = async () => ({ built: !isOld, ...buildJson(await listed(build)) });
    await print(flags, { io, json, text: () => madeText(build, { isOld }) });
  } finally {
    progress.stop();
  }
}

async function list(flags: BuildFlags, io: Io): Promise<void> {
  const { ownBuilds } = await import('../../native/own/record.ts');
  const { buildJson, buildsText } = await import('../../output/builds.ts');
  const folder = buildsFolder(io.env);
  const builds = await Promise.all((await ownBuilds(folder)).map(listed));
  const json = () => ({ folder, builds: builds.map(buildJson) });
  await print(flags, { io, json, text: () => buildsText(builds, folder) });
}

async function remove(name: string, { flags, io }: { flags: BuildFlags; io: Io }): Promise<void> {
  const { ownBuilds, removeBuild } = await import('../../native/own/record.ts');
  const { byteSize } = await import('../../base/byte-size.ts');
  const all = await ownBuilds(buildsFolder(io.env));
  const wanted = name === 'all' ? all : all.filter((build) => build.name === name);
  if (wanted.length === 0 && name !== 'all') {
    throw new PixtralError('usage', `--remove ${name}: no such build, expected a name or all`, {
      hint: 'pixtral build --list shows what is built',
    });
  }
  let bytes = 0;
  for (const build of wanted) bytes += await removeBuild(build);
  const names = wanted.map((build) => build.name);
  const said = names.length === 0 ? 'nothing is built' : `removed ${names.join(', ')} (${byteSize(bytes)})`;
  await print(flags, { io, json: () => ({ removed: names, bytes }), text: () => `${said}\n` });
}

async function listed(build: OwnBuild): Promise<ListedBuild> {
  const { buildBytes } = await import('../../native/own/record.ts');
  const { unfitness } = await import('../../native/own/usable.ts');
  return { build, bytes: await buildBytes(build.folder, build.record), unfit: await unfitness(build) };
}

async function print(
  { json: asJson }: BuildFlags,
  { io, json, text }: { io: Io; json: () => object | Promise<object>; text: () => string },
): Promise<void> {
  const { jsonLine } = await import('../../wires/json.ts');
  io.stdout.write(asJson === true ? jsonLine(await json()) : text());
}
