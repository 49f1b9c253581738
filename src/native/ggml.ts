import type { Prototype } from './bind.ts';

/** Numbers of `enum ggml_type` that we create ourselves (ggml.h). */
export const ggmlType = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q4_1: 3,
  q5_0: 6,
  q5_1: 7,
  q8_0: 8,
  iq4_nl: 20,
  i32: 26,
  bf16: 30,
} as const;

/** `enum ggml_backend_dev_type` */
export const deviceType = { cpu: 0, gpu: 1, integratedGpu: 2, accelerator: 3 } as const;

/** GGML_PREC_F32, GGML_BACKEND_BUFFER_USAGE_WEIGHTS, GGML_STATUS_* */
export const ggmlConstants = { precisionF32: 10, usageWeights: 1, statusSuccess: 0, statusAborted: 1 } as const;

/** sizeof(struct ggml_tensor) and the fields we read; the layout is the same on every 64-bit platform. */
export const tensorLayout = { size: 336, ne: 16, nb: 48, data: 248 } as const;

/** struct ggml_type_traits: the field we read. */
export const typeTraitsLayout = { toFloat: 40 } as const;

/** struct ggml_threadpool_params: 512 flags of cores, threads, priority, poll, two more flags. */
export const threadPoolParamsLayout = { byteLength: 528, poll: 520 } as const;

/** ggml_init_params by value. */
export const initParamsFields = { mem_size: 'size_t', mem_buffer: 'void *', no_alloc: 'bool' } as const;

/**
 * The C functions of libggml-base and libggml that we call, exactly as their headers declare them
 * (ggml.h, ggml-alloc.h, ggml-backend.h), alike in every version of `versions`.
 */
export const ggmlPrototypes = {
  init: ['ggml_init', 'ptr', ['struct']],
  free: ['ggml_free', 'void', ['ptr']],
  tensorOverhead: ['ggml_tensor_overhead', 'size', []],
  graphOverheadCustom: ['ggml_graph_overhead_custom', 'size', ['size', 'bool']],

  newTensor1d: ['ggml_new_tensor_1d', 'tensor', ['ptr', 'i32', 'i64']],
  newTensor2d: ['ggml_new_tensor_2d', 'tensor', ['ptr', 'i32', 'i64', 'i64']],
  newTensor4d: ['ggml_new_tensor_4d', 'tensor', ['ptr', 'i32', 'i64', 'i64', 'i64', 'i64']],
  setName: ['ggml_set_name', 'ptr', ['ptr', 'str']],
  setInput: ['ggml_set_input', 'void', ['ptr']],
  setOutput: ['ggml_set_output', 'void', ['ptr']],
  nbytes: ['ggml_nbytes', 'size', ['ptr']],
  isEmpty: ['ggml_is_empty', 'bool', ['ptr']],
  isScalar: ['ggml_is_scalar', 'bool', ['ptr']],

  add: ['ggml_add', 'tensor', ['ptr', 'ptr', 'ptr']],
  mul: ['ggml_mul', 'tensor', ['ptr', 'ptr', 'ptr']],
  mulMat: ['ggml_mul_mat', 'tensor', ['ptr', 'ptr', 'ptr']],
  rmsNorm: ['ggml_rms_norm', 'tensor', ['ptr', 'ptr', 'f32']],
  geluErf: ['ggml_gelu_erf', 'tensor', ['ptr', 'ptr']],
  swigluSplit: ['ggml_swiglu_split', 'tensor', ['ptr', 'ptr', 'ptr']],
  softMaxExt: ['ggml_soft_max_ext', 'tensor', ['ptr', 'ptr', 'ptr', 'f32', 'f32']],
  flashAttnExt: ['ggml_flash_attn_ext', 'tensor', ['ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'f32', 'f32', 'f32']],
  ropeExt: [
    'ggml_rope_ext',
    'tensor',
    ['ptr', 'ptr', 'ptr', 'ptr', 'i32', 'i32', 'i32', 'f32', 'f32', 'f32', 'f32', 'f32', 'f32'],
  ],
  ropeSetOffset: ['ggml_rope_set_offset', 'tensor', ['ptr', 'i32']],
  getRows: ['ggml_get_rows', 'tensor', ['ptr', 'ptr', 'ptr']],
  cast: ['ggml_cast', 'tensor', ['ptr', 'ptr', 'i32']],
  cont: ['ggml_cont', 'tensor', ['ptr', 'ptr']],
  cont2d: ['ggml_cont_2d', 'tensor', ['ptr', 'ptr', 'i64', 'i64']],
  reshape2d: ['ggml_reshape_2d', 'tensor', ['ptr', 'ptr', 'i64', 'i64']],
  reshape3d: ['ggml_reshape_3d', 'tensor', ['ptr', 'ptr', 'i64', 'i64', 'i64']],
  reshape4d: ['ggml_reshape_4d', 'tensor', ['ptr', 'ptr', 'i64', 'i64', 'i64', 'i64']],
  permute: ['ggml_permute', 'tensor', ['ptr', 'ptr', 'i32', 'i32', 'i32', 'i32']],

  newGraphCustom: ['ggml_new_graph_custom', 'tensor', ['ptr', 'size', 'bool']],
  buildForwardExpand: ['ggml_build_forward_expand', 'void', ['ptr', 'ptr']],

  /** Null twice: to the standard error of the process, at once. */
  logSet: ['ggml_log_set', 'void', ['ptr', 'ptr']],
  typeTraits: ['ggml_get_type_traits', 'ptr', ['i32']],
  bytesPerRow: ['ggml_row_size', 'size', ['i32', 'i64']],
  fp32ToFp16Row: ['ggml_fp32_to_fp16_row', 'void', ['memory', 'memory', 'i64']],
  fp16ToFp32Row: ['ggml_fp16_to_fp32_row', 'void', ['memory', 'memory', 'i64']],
  bf16ToFp32Row: ['ggml_bf16_to_fp32_row', 'void', ['memory', 'memory', 'i64']],
  quantizeChunkSync: ['ggml_quantize_chunk', 'size', ['i32', 'memory', 'memory', 'i64', 'i64', 'i64', 'memory']],

  deviceCount: ['ggml_backend_dev_count', 'size', []],
  device: ['ggml_backend_dev_get', 'ptr', ['size']],
  deviceByType: ['ggml_backend_dev_by_type', 'ptr', ['i32']],
  deviceName: ['ggml_backend_dev_name', 'str', ['ptr']],
  deviceDescription: ['ggml_backend_dev_description', 'str', ['ptr']],
  deviceType: ['ggml_backend_dev_type', 'i32', ['ptr']],
  deviceMemory: ['ggml_backend_dev_memory', 'void', ['ptr', 'memory', 'memory']],
  deviceRegistry: ['ggml_backend_dev_backend_reg', 'ptr', ['ptr']],
  deviceBufferType: ['ggml_backend_dev_buffer_type', 'ptr', ['ptr']],
  deviceInit: ['ggml_backend_dev_init', 'ptr', ['ptr', 'memory']],
  deviceSupportsOp: ['ggml_backend_dev_supports_op', 'bool', ['ptr', 'ptr']],
  threadPoolParamsInit: ['ggml_threadpool_params_init', 'void', ['memory', 'i32']],
  registryProcAddress: ['ggml_backend_reg_get_proc_address', 'ptr', ['ptr', 'str']],

  backendFree: ['ggml_backend_free', 'void', ['ptr']],
  backendBufferType: ['ggml_backend_get_default_buffer_type', 'ptr', ['ptr']],
  allocContextTensors: ['ggml_backend_alloc_ctx_tensors_from_buft', 'ptr', ['ptr', 'ptr']],
  bufferSetUsage: ['ggml_backend_buffer_set_usage', 'void', ['ptr', 'i32']],
  bufferSize: ['ggml_backend_buffer_get_size', 'size', ['ptr']],
  bufferFree: ['ggml_backend_buffer_free', 'void', ['ptr']],
  tensorSet: ['ggml_backend_tensor_set', 'void', ['ptr', 'memory', 'size', 'size']],
  tensorGet: ['ggml_backend_tensor_get', 'void', ['ptr', 'memory', 'size', 'size']],

  schedNew: ['ggml_backend_sched_new', 'ptr', ['memory', 'memory', 'i32', 'size', 'bool', 'bool']],
  schedFree: ['ggml_backend_sched_free', 'void', ['ptr']],
  schedReset: ['ggml_backend_sched_reset', 'void', ['ptr']],
  schedAllocGraph: ['ggml_backend_sched_alloc_graph', 'bool', ['ptr', 'ptr']],
  schedGraphCompute: ['ggml_backend_sched_graph_compute', 'i32', ['ptr', 'ptr']],
  schedBufferSize: ['ggml_backend_sched_get_buffer_size', 'size', ['ptr', 'ptr']],
} as const satisfies Record<string, Prototype>;

/** What goes by another name in each version. */
export const precisionPrototype = (symbol: string) => ({ setPrecision: [symbol, 'void', ['ptr', 'i32']] }) as const;

/** Of libggml-cpu (ggml-cpu.h). */
export const ggmlCpuPrototypes = {
  fp32ToFp16Row: ['ggml_cpu_fp32_to_fp16', 'void', ['memory', 'memory', 'i64']],
} as const satisfies Record<string, Prototype>;
