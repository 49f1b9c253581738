import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PixtralError } from '../../base/errors.ts';
import type { BuildTarget } from './record.ts';

/** First line of what a program says with `--version`; undefined where there is none. */
export type AskVersion = (program: string, flags: readonly string[]) => Promise<string | undefined>;

export interface Toolchain {
  git: string;
  cmake: string;
  /** CMake's own choice where undefined: Visual Studio's has no name to ask. */
  compilers: { c: string; cxx: string } | undefined;
  /** What makes this build another one when it changes. */
  compiler: string;
  generator: 'Ninja' | 'Unix Makefiles' | undefined;
}

export interface Tool {
  name: string;
  found: string | undefined;
}

const unix = [
  { c: 'cc', cxx: 'c++' },
  { c: 'gcc', cxx: 'g++' },
  { c: 'clang', cxx: 'clang++' },
];

/** Besides those of every target: the program that shows that a target's own kit is there. */
const kits: Record<BuildTarget, readonly { program: string; flag: string; from: string }[]> = {
  cpu: [],
  cuda: [{ program: 'nvcc', flag: '--version', from: "NVIDIA's CUDA toolkit" }],
  vulkan: [
    {
      program: 'glslc',
      flag: '--version',
      from: "the Vulkan SDK, or the distribution's glslc, libvulkan-dev and spirv-headers",
    },
  ],
};

interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  ask: AskVersion;
}

export const thisMachine: Surroundings = { env: process.env, platform: process.platform, ask: askVersion };

/**
 * The programs that a target is built with. CC and CXX choose other compilers.
 * @throws PixtralError `machine` that names all that are missing
 */
export async function findToolchain(target: BuildTarget, around: Surroundings): Promise<Toolchain> {
  const { ask, platform } = around;
  const [git, cmake, ninja, make] = await Promise.all(
    ['git', 'cmake', 'ninja', 'make'].map((program) => ask(program, ['--version'])),
  );
  const found = await findCompiler(around);
  const kit = await Promise.all(
    kits[target].map(async ({ program, flag, from }) => ({
      name: `${program} (${from})`,
      found: await ask(program, [flag]),
    })),
  );
  const isWindows = platform === 'win32';
  const tools: Tool[] = [
    { name: 'git', found: git },
    { name: 'cmake', found: cmake },
    { name: 'a C++ compiler', found: isWindows ? 'left to CMake' : found?.version },
    { name: 'make or ninja', found: isWindows ? 'left to CMake' : (ninja ?? make) },
    ...kit,
  ];
  const missing = tools.filter((tool) => tool.found === undefined).map(({ name }) => name);
  if (missing.length > 0) {
    throw new PixtralError('machine', `build: ${missing.join(', ')}: not found, needed to compile`, {
      hint: installHint(missing, platform),
    });
  }
  const versions = [found?.version ?? `CMake's choice with ${cmake}`, ...kit.map((tool) => tool.found)];
  return {
    git: 'git',
    cmake: 'cmake',
    compilers: found?.names,
    compiler: versions.join(', '),
    generator: isWindows ? undefined : ninja === undefined ? 'Unix Makefiles' : 'Ninja',
  };
}

async function findCompiler({ env, ask, platform }: Surroundings) {
  const { CC, CXX } = env;
  const named =
    CXX === undefined || CXX === ''
      ? []
      : [{ c: CC || CXX.replace(/\+\+/, CXX.includes('clang') ? '' : 'cc'), cxx: CXX }];
  if (named.length === 0 && platform === 'win32') return undefined;
  for (const names of named.length > 0 ? named : unix) {
    const [version, ofC] = [await ask(names.cxx, ['--version']), await ask(names.c, ['--version'])];
    if (version !== undefined && ofC !== undefined) return { names, version };
  }
  return undefined;
}

function installHint(missing: readonly string[], platform: NodeJS.Platform): string {
  if (missing.some((name) => name.includes('('))) return 'install it and see that it is on the PATH';
  const commands: Partial<Record<NodeJS.Platform, string>> = {
    linux:
      "install them: on Debian or Ubuntu 'sudo apt install git cmake g++ make', on Fedora 'sudo dnf install git cmake gcc-c++ make'",
    darwin: "install them: 'xcode-select --install' and 'brew install cmake'",
    win32: 'install Git, CMake and the C++ workload of Visual Studio Build Tools',
  };
  return commands[platform] ?? 'install them with the packages of the system';
}

async function askVersion(program: string, flags: readonly string[]): Promise<string | undefined> {
  const child = spawn(program, flags, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part.slice(0, 10_000)));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) return undefined;
  } catch {
    return undefined; // there is none
  }
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.find((line) => /\d+\.\d+/.test(line)) ?? lines[0] ?? program;
}
