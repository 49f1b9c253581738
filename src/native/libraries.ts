import { basename } from 'node:path';
import { PixtralError } from '../base/errors.ts';

/** The shared libraries of llama.cpp that we call. */
export interface LibraryPaths {
  llama: string;
  /** Backend and device registry. */
  ggml: string;
  /** Tensors, graphs, allocation, quantisation. */
  ggmlBase: string;
  /** Arithmetic for the instructions of this very processor; undefined where it is part of another library. */
  ggmlCpu: string | undefined;
}

type FileNames = Record<keyof LibraryPaths, RegExp>;

/**
 * File names inside node-llama-cpp's platform packages. libllama and libggml carry the GPU flavour and
 * llama.cpp's version (`libllama.cuda.v0.5.0.so`), libggml-base carries neither.
 * Seen in linux-x64 3.22.1, mac-arm64-metal 3.21.1 and win-x64 3.21.1.
 */
export const libraryFileNames: Record<'linux' | 'darwin' | 'win32', FileNames> = {
  linux: {
    llama: /^libllama(\.[a-z]+)?\.v[\d.]+\.so$/,
    ggml: /^libggml(\.[a-z]+)?\.v[\d.]+\.so$/,
    ggmlBase: /^libggml-base\.so$/,
    ggmlCpu: /^libggml-cpu(-\w+)?\.so$/,
  },
  darwin: {
    llama: /^libllama(\.[a-z]+)?\.v[\d.]+\.dylib$/,
    ggml: /^libggml(\.[a-z]+)?\.v[\d.]+\.dylib$/,
    ggmlBase: /^libggml-base\.dylib$/,
    ggmlCpu: /^libggml-cpu(-\w+)?\.(dylib|so)$/,
  },
  win32: {
    llama: /^llama(\.[a-z]+)?\.v[\d.]+\.dll$/i,
    ggml: /^ggml(\.[a-z]+)?\.v[\d.]+\.dll$/i,
    ggmlBase: /^ggml-base\.dll$/i,
    ggmlCpu: /^ggml-cpu(-\w+)?\.dll$/i,
  },
};

/** Picks our libraries out of the paths of all libraries loaded in this process. */
export function findLibraries(loaded: readonly string[], platform: string): LibraryPaths {
  const names = Object.entries(libraryFileNames).find(([key]) => key === platform)?.[1];
  if (!names) {
    throw new PixtralError('machine', `platform ${platform}: not supported, expected linux, darwin or win32`);
  }
  return {
    llama: pick(loaded, names.llama),
    ggml: pick(loaded, names.ggml),
    ggmlBase: pick(loaded, names.ggmlBase),
    ggmlCpu: find(loaded, names.ggmlCpu),
  };
}

function pick(loaded: readonly string[], name: RegExp): string {
  const found = find(loaded, name);
  if (found === undefined) {
    throw new PixtralError('machine', `llama.cpp: no loaded library is named like ${name.source}`, {
      hint: 'reinstall the packages (npm install); pixtral doctor shows what was found',
    });
  }
  return found;
}

/** The last one wins: a build that node-llama-cpp tried and dropped is loaded before the one it chose. */
function find(loaded: readonly string[], name: RegExp): string | undefined {
  return loaded.findLast((path) => name.test(basename(path.replaceAll('\\', '/'))));
}

/** Paths of every library in this process, the same call on Linux, macOS and Windows. */
export function loadedLibraries(): string[] {
  const reporter = process.report as typeof process.report & { excludeNetwork?: boolean }; // its types are older
  const { excludeNetwork = false } = reporter;
  reporter.excludeNetwork = true; // otherwise it asks for the name of every address, which takes longer than all the rest
  const report: unknown = reporter.getReport();
  reporter.excludeNetwork = excludeNetwork;
  if (typeof report !== 'object' || report === null || !('sharedObjects' in report)) return [];
  return Array.isArray(report.sharedObjects) ? report.sharedObjects.filter((path) => typeof path === 'string') : [];
}
