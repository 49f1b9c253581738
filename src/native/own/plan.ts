import { join } from 'node:path';
import type { BuildTarget } from './record.ts';
import type { Toolchain } from './toolchain.ts';

export interface BuildStep {
  title: string;
  program: string;
  arguments: readonly string[];
  /** Of the whole, when it has ended. */
  share: number;
}

export interface BuildPlan {
  steps: BuildStep[];
  /** Where the libraries are when all steps are done, and how their files are named. */
  made: { folder: string; names: RegExp };
  /** Written before anything is run: path -> text. */
  files: Record<string, string>;
}

export interface PlanOptions {
  target: BuildTarget;
  /** An empty folder. */
  work: string;
  /** node-llama-cpp's bundle of llama.cpp's source. */
  bundle: string;
  /** Of the prebuilt library that runs here, `sapphirerapids`; empty for one without variants. */
  variant: string;
  /** Compilers at once. */
  jobs: number;
}

/** GPUs that the prebuilt library has no machine code for: nvcc is asked for that of the cards that are there. */
const targetOptions: Record<BuildTarget, readonly string[]> = {
  cpu: [],
  cuda: ['-DGGML_CUDA=ON', '-DCMAKE_CUDA_ARCHITECTURES=native'],
  vulkan: ['-DGGML_VULKAN=ON'],
};

/**
 * How libraries of ggml's backends are built: those only, and as node-llama-cpp builds its own, so that they take the
 * place of the prebuilt files beside the same libllama and libggml-base.
 */
export function planBuild(options: PlanOptions, { git, cmake, compilers, generator }: Toolchain): BuildPlan {
  const { target, work, bundle, variant, jobs } = options;
  const [source, own, out] = [join(work, 'source'), join(work, 'own'), join(work, 'out')];
  const cpu = variant === '' ? 'ggml-cpu' : `ggml-cpu-${variant}`;
  const targets = target === 'cpu' ? [cpu] : [cpu, `ggml-${target}`];
  const configure = [
    '-S',
    own,
    '-B',
    out,
    ...(generator === undefined ? [] : ['-G', generator]),
    ...(compilers ? [`-DCMAKE_C_COMPILER=${compilers.c}`, `-DCMAKE_CXX_COMPILER=${compilers.cxx}`] : []),
    ...commonOptions,
    ...(variant === '' ? ['-DGGML_NATIVE=ON'] : ['-DGGML_NATIVE=OFF', '-DGGML_CPU_ALL_VARIANTS=ON']),
    ...targetOptions[target],
  ];
  return {
    files: { [join(own, 'CMakeLists.txt')]: project, [join(own, 'tile-config.h')]: tileConfig },
    steps: [
      step('unpack the source', git, ['clone', '--quiet', '--no-checkout', bundle, source], 0.04),
      step(
        'unpack the source',
        git,
        ['-C', source, '-c', 'core.autocrlf=false', 'checkout', '--quiet', 'HEAD', '--', 'ggml'],
        0.06,
      ),
      step('look at the compiler', cmake, configure, 0.1),
      step(
        'compile',
        cmake,
        ['--build', out, '--config', 'Release', '--parallel', String(jobs), '--target', ...targets],
        1,
      ),
    ],
    made: { folder: join(out, 'bin'), names: new RegExp(`^(lib)?(${targets.join('|')})\\.(so|dylib|dll)$`) },
  };
}

const commonOptions = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DBUILD_SHARED_LIBS=ON',
  '-DGGML_BACKEND_DL=ON',
  '-DGGML_LLAMAFILE=ON',
  // We hand ggml pools of threads, and OpenMP's would stand beside them.
  '-DGGML_OPENMP=OFF',
  '-DGGML_CCACHE=OFF',
  // libggml-base is loaded by then, and found by its name; nothing of the folder that this is built in may stay.
  '-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON',
  '-DCMAKE_INSTALL_RPATH=$ORIGIN',
];

const project = `cmake_minimum_required(VERSION 3.19)
project(pixtral-backends C CXX)
set(CMAKE_PLATFORM_NO_VERSIONED_SONAME ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "\${CMAKE_BINARY_DIR}/bin")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-include\${CMAKE_SOURCE_DIR}/tile-config.h>")
endif()
add_subdirectory("\${CMAKE_SOURCE_DIR}/../source/ggml" ggml)
`;

/**
 * GCC 12.2's _tile_loadconfig tells the optimiser that it reads 8 bytes of the 64: what is written to the others is
 * dropped, the tiles have no rows, and their first use is an illegal instruction.
 */
const tileConfig = `#pragma once
#include <immintrin.h>
#undef _tile_loadconfig
#define _tile_loadconfig(config) __asm__ volatile("ldtilecfg %X0" ::"m"(*(const char(*)[64])(config)))
`;

function step(title: string, program: string, given: readonly string[], share: number): BuildStep {
  return { title, program, arguments: given, share };
}
