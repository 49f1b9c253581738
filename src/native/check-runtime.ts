import type { LibraryHandle } from 'koffi';
import { PixtralError } from '../base/errors.ts';
import type { LibraryPaths } from './libraries.ts';
import type { Native } from './native.ts';
import { runtimeVersions } from './versions/registry.ts';
import type { RuntimeVersion } from './versions/runtime-version.ts';

const hint = 'reinstall the packages (npm install): node-llama-cpp must be a version that package.json allows';

/** The tables for the library that is there. @throws PixtralError `machine` when there are none */
export function knownVersion(decoder: LibraryHandle, { llama }: LibraryPaths): RuntimeVersion {
  const version: unknown = decoder.func('llama_version', 'const char *', [])();
  const known = runtimeVersions.find((table) => String(version).startsWith(table.version));
  if (known) return known;
  const expected = runtimeVersions.map((table) => table.version).join(' or ');
  throw new PixtralError('machine', `${llama}: is llama.cpp ${String(version)}, expected ${expected}`, { hint });
}

/** @throws PixtralError `machine` when a symbol is missing or a struct is not laid out as we pass it */
export function checkRuntime(missing: readonly string[], llama: Native['llama'], libraries: LibraryPaths): void {
  if (missing.length > 0) {
    throw new PixtralError('machine', `${libraries.llama}: lacks ${missing.join(', ')}`, { hint });
  }
  // Defaults that the header promises: if the structs were laid out differently, these would be garbage.
  const model = llama.modelDefaultParams();
  const context = llama.contextDefaultParams();
  if (
    model.n_gpu_layers !== -1 ||
    model.load_mode !== -1 ||
    context.n_ctx !== 512 ||
    context.type_v !== 1 ||
    context.n_samplers !== 0
  ) {
    const version = llama.version();
    throw new PixtralError('machine', `${libraries.llama}: its parameter structs are not those of ${version}`, {
      hint,
    });
  }
}
