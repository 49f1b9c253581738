import type { Prototype } from './bind.ts';

/** `enum llama_flash_attn_type` */
export const flashAttention = { auto: -1, disabled: 0, enabled: 1 } as const;

/** Which struct each by-value symbol takes or returns. */
export const llamaStructSymbols = {
  llama_model_default_params: 'modelParams',
  llama_model_load_from_file: 'modelParams',
  llama_context_default_params: 'contextParams',
  llama_init_from_model: 'contextParams',
  llama_decode: 'batch',
  llama_sampler_chain_default_params: 'samplerChainParams',
  llama_sampler_chain_init: 'samplerChainParams',
} as const;

/** The C functions of libllama that we call, exactly as llama.h declares them, alike in every version of `versions`. */
export const llamaPrototypes = {
  version: ['llama_version', 'str', []],
  modelDefaultParams: ['llama_model_default_params', 'struct', []],
  modelLoadFromFile: ['llama_model_load_from_file', 'ptr', ['str', 'struct']],
  modelFree: ['llama_model_free', 'void', ['ptr']],
  modelVocab: ['llama_model_get_vocab', 'ptr', ['ptr']],
  modelTrainedContext: ['llama_model_n_ctx_train', 'i32', ['ptr']],
  modelDim: ['llama_model_n_embd', 'i32', ['ptr']],
  vocabSize: ['llama_vocab_n_tokens', 'i32', ['ptr']],
  vocabIsEndOfGeneration: ['llama_vocab_is_eog', 'bool', ['ptr', 'i32']],

  contextDefaultParams: ['llama_context_default_params', 'struct', []],
  initFromModel: ['llama_init_from_model', 'ptr', ['ptr', 'struct']],
  free: ['llama_free', 'void', ['ptr']],
  attachThreadPool: ['llama_attach_threadpool', 'void', ['ptr', 'ptr', 'ptr']],
  sequenceSize: ['llama_n_ctx_seq', 'u32', ['ptr']],
  getMemory: ['llama_get_memory', 'ptr', ['ptr']],
  memoryRemove: ['llama_memory_seq_rm', 'bool', ['ptr', 'i32', 'i32', 'i32']],
  /** Between streams only whole, from 0 to the end; the values move with the next `decode`. */
  memoryCopy: ['llama_memory_seq_cp', 'void', ['ptr', 'i32', 'i32', 'i32', 'i32']],
  decode: ['llama_decode', 'i32', ['ptr', 'struct']],
  getLogitsIth: ['llama_get_logits_ith', 'ptr', ['ptr', 'i32']],
  synchronize: ['llama_synchronize', 'void', ['ptr']],
  stateByteLength: ['llama_state_seq_get_size', 'size', ['ptr', 'i32']],
  stateGet: ['llama_state_seq_get_data', 'size', ['ptr', 'memory', 'size', 'i32']],
  stateSet: ['llama_state_seq_set_data', 'size', ['ptr', 'memory', 'size', 'i32']],

  samplerChainDefaultParams: ['llama_sampler_chain_default_params', 'struct', []],
  samplerChainInit: ['llama_sampler_chain_init', 'ptr', ['struct']],
  samplerChainAdd: ['llama_sampler_chain_add', 'void', ['ptr', 'ptr']],
  samplerGreedy: ['llama_sampler_init_greedy', 'ptr', []],
  samplerDist: ['llama_sampler_init_dist', 'ptr', ['u32']],
  samplerTopK: ['llama_sampler_init_top_k', 'ptr', ['i32']],
  samplerTopP: ['llama_sampler_init_top_p', 'ptr', ['f32', 'size']],
  samplerMinP: ['llama_sampler_init_min_p', 'ptr', ['f32', 'size']],
  samplerTemperature: ['llama_sampler_init_temp', 'ptr', ['f32']],
  samplerPenalties: ['llama_sampler_init_penalties', 'ptr', ['i32', 'i32', 'f32', 'f32', 'f32']],
  /** Null when the grammar does not parse; llama.cpp then prints it on the process's stderr. */
  samplerGrammar: ['llama_sampler_init_grammar', 'ptr', ['ptr', 'str', 'str']],
  samplerApply: ['llama_sampler_apply', 'void', ['ptr', 'memory']],
  /** A token that a grammar refuses ends the process: check it first. */
  samplerAccept: ['llama_sampler_accept', 'void', ['ptr', 'i32']],
  samplerFree: ['llama_sampler_free', 'void', ['ptr']],
} as const satisfies Record<string, Prototype>;
