import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLibraries } from '../../src/native/libraries.ts';

// File names as they stand in node-llama-cpp's platform packages.
const packages = {
  linux: {
    folder: '/app/node_modules/@node-llama-cpp/linux-x64-cuda/bins/linux-x64-cuda/',
    files: [
      'llama-addon.node',
      'libllama-common.so',
      'libllama.cuda.v0.5.0.so',
      'libggml.cuda.v0.5.0.so',
      'libggml-base.so',
      'libggml-cuda.so',
      'libggml-cpu-zen4.so',
    ],
    expected: {
      llama: 'libllama.cuda.v0.5.0.so',
      ggml: 'libggml.cuda.v0.5.0.so',
      ggmlBase: 'libggml-base.so',
      ggmlCpu: 'libggml-cpu-zen4.so',
    },
  },
  darwin: {
    folder: '/app/node_modules/@node-llama-cpp/mac-arm64-metal/bins/mac-arm64-metal/',
    files: [
      'libllama-common.dylib',
      'libllama.metal.v0.5.0.dylib',
      'libggml.metal.v0.5.0.dylib',
      'libggml-base.dylib',
      'libggml-metal.so',
    ],
    expected: {
      llama: 'libllama.metal.v0.5.0.dylib',
      ggml: 'libggml.metal.v0.5.0.dylib',
      ggmlBase: 'libggml-base.dylib',
      ggmlCpu: undefined,
    },
  },
  win32: {
    folder: 'C:\\app\\node_modules\\@node-llama-cpp\\win-x64\\bins\\win-x64\\',
    files: ['llama-common.dll', 'llama.v0.5.0.dll', 'ggml.v0.5.0.dll', 'ggml-base.dll', 'ggml-cpu-zen4.dll'],
    expected: {
      llama: 'llama.v0.5.0.dll',
      ggml: 'ggml.v0.5.0.dll',
      ggmlBase: 'ggml-base.dll',
      ggmlCpu: 'ggml-cpu-zen4.dll',
    },
  },
};

for (const [platform, { folder, files, expected }] of Object.entries(packages)) {
  test(`the libraries of ${platform} are told apart by their names`, () => {
    const found = findLibraries(['/usr/lib/libc.so.6', ...files.map((file) => folder + file)], platform);
    for (const [key, file] of Object.entries(expected)) {
      assert.equal(found[key as keyof typeof expected], file && folder + file);
    }
  });
}

test('of two builds the one loaded last is taken', () => {
  const files = (flavour: string) =>
    ['libggml-base.so', `libllama.${flavour}.v0.5.0.so`, `libggml.${flavour}.v0.5.0.so`].map(
      (file) => `/${flavour}/${file}`,
    );
  assert.equal(
    findLibraries([...files('cuda'), ...files('vulkan')], 'linux').llama,
    '/vulkan/libllama.vulkan.v0.5.0.so',
  );
});

test('a process without llama.cpp and an unknown platform are machine errors', () => {
  assert.throws(() => findLibraries(['/usr/lib/libc.so.6'], 'linux'), { name: 'PixtralError', code: 'machine' });
  assert.throws(() => findLibraries([], 'sunos'), { name: 'PixtralError', code: 'machine' });
});
