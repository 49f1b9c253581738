import type { RuntimeVersion } from './runtime-version.ts';
import { v0_4_0 } from './v0.4.0.ts';

/** node-llama-cpp 3.22: the structs are those of 0.4.0. */
export const v0_5_0: RuntimeVersion = { ...v0_4_0, version: '0.5.0', precisionSymbol: 'ggml_prec_set_acc' };
