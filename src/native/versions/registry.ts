import type { RuntimeVersion } from './runtime-version.ts';
import { v0_4_0 } from './v0.4.0.ts';
import { v0_5_0 } from './v0.5.0.ts';

/** The versions of llama.cpp that the bindings know. */
export const runtimeVersions: readonly RuntimeVersion[] = [v0_4_0, v0_5_0];
