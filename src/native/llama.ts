import type { Prototype } from './bind.ts';

/** llama_model_params by value (llama.h of llama.cpp v0.5.0, lines 314-351). */
export const modelParamsFields = {
  devices: 'void *',
  tensor_buft_overrides: 'void *',
  n_gpu_layers: 'int32_t',
  split_mode: 'int32_t',
  load_mode: 'int32_t',
  lazy_mode: 'int32_t',
  main_gpu: 'int32_t',
  tensor_split: 'void *',
  progress_callback: 'void *',
  progress_callback_user_data: 'void *',
  kv_overrides: 'void *',
  vocab_only: 'bool',
  check_tensors: 'bool',
  use_extra_bufts: 'bool',
  no_host: 'bool',
  no_alloc: 'bool',
  load_mtp: 'bool',
} as const;

/** llama_context_params by value (llama.h, lines 360-420). */
export const contextParamsFields = {
  n_ctx: 'uint32_t',
  n_batch: 'uint32_t',
  n_ubatch: 'uint32_t',
  n_seq_max: 'uint32_t',
  n_rs_seq: 'uint32_t',
  n_outputs_max: 'uint32_t',
  n_outputs_max_per_seq: 'uint32_t',
  n_threads: 'int32_t',
  n_threads_batch: 'int32_t',
  ctx_type: 'int32_t',
  rope_scaling_type: 'int32_t',
  pooling_type: 'int32_t',
  attention_type: 'int32_t',
  flash_attn_type: 'int32_t',
  rope_freq_base: 'float',
  rope_freq_scale: 'float',
  yarn_ext_factor: 'float',
  yarn_attn_factor: 'float',
  yarn_beta_fast: 'float',
  yarn_beta_slow: 'float',
  yarn_orig_ctx: 'uint32_t',
  defrag_thold: 'float',
  cb_eval: 'void *',
  cb_eval_user_data: 'void *',
  type_k: 'int32_t',
  type_v: 'int32_t',
  abort_callback: 'void *',
  abort_callback_data: 'void *',
  embeddings: 'bool',
  offload_kqv: 'bool',
  no_perf: 'bool',
  op_offload: 'bool',
  swa_full: 'bool',
  kv_unified: 'bool',
  samplers: 'void *',
  n_samplers: 'size_t',
  ctx_other: 'void *',
} as const;

/** llama_batch by value (llama.h, lines 263-272). */
export const batchFields = {
  n_tokens: 'int32_t',
  token: 'void *',
  embd: 'void *',
  pos: 'void *',
  n_seq_id: 'void *',
  seq_id: 'void *',
  logits: 'void *',
} as const;

/** llama_sampler_chain_params by value. */
export const samplerChainParamsFields = { no_perf: 'bool' } as const;

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

/** The C functions of libllama that we call, exactly as llama.h of llama.cpp v0.5.0 declares them. */
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
  samplerSample: ['llama_sampler_sample', 'i32', ['ptr', 'ptr', 'i32']],
  samplerFree: ['llama_sampler_free', 'void', ['ptr']],
} as const satisfies Record<string, Prototype>;
