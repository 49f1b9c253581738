import { rawArray, text as textValue } from '../../src/gguf/build.ts';
import { type Gguf, type GgufTensor, type GgufValue, ggmlTypes, tensorByteLength } from '../../src/gguf/types.ts';
import { layoutGguf } from '../../src/gguf/write.ts';
import { type Random, mutateBytes } from './random.ts';

export interface GgufFile {
  gguf: Gguf;
  bytes: Buffer;
}

/** The file with its numbers, strings, arrays, tensors or bytes changed. */
export function mutateGguf(file: GgufFile, random: Random): { bytes: Buffer; what: string } {
  if (random.chance(0.25)) return { bytes: mutateBytes(file.bytes, random), what: 'bytes' };
  const metadata = new Map(file.gguf.metadata);
  let tensors = [...file.gguf.tensors.values()];
  const notes: string[] = [];
  for (let left = 1 + random.below(3); left > 0; left--) {
    if (random.chance(0.55)) notes.push(mutateKey(metadata, random));
    else {
      const mutated = mutateTensors(tensors, random);
      tensors = mutated.tensors;
      notes.push(mutated.what);
    }
  }
  return { bytes: encode(file, metadata, tensors), what: notes.join('; ') };
}

const counts = [0, 1, 2, 3, 4, 5, 7, 8, 16, 31, 33, 64, 95, 97, 100, 511, 513, 4096, 65_535, 1e6, 2 ** 31, 2 ** 32 - 1];
const reals = [0, -0, 0.5, -1, 1, 1e-45, 1e38, Number.NaN, Infinity, -Infinity, 1e-5, 10_000, 1e9];

/** Keys that llama.cpp knows and a pair of ours has not. */
const unusual = [
  ['expert_count', 'u32'],
  ['expert_used_count', 'u32'],
  ['expert_group_count', 'u32'],
  ['nextn_predict_layers', 'u32'],
  ['pooling_type', 'u32'],
  ['attention.sliding_window', 'u32'],
  ['attention.key_length_swa', 'u32'],
  ['attention.causal', 'bool'],
  ['attention.temperature_scale', 'f32'],
  ['embedding_length_out', 'u32'],
  ['rope.scaling.factor', 'f32'],
  ['rope.scaling.type', 'string'],
  ['rope.scaling.original_context_length', 'u32'],
  ['rope.scaling.yarn_beta_fast', 'f32'],
  ['rope.scaling.yarn_log_multiplier', 'f32'],
  ['rope.scaling.attn_factor', 'f32'],
  ['rope.dimension_sections', 'u32'],
  ['leading_dense_block_count', 'u32'],
  ['attention.scale', 'f32'],
  ['logit_scale', 'f32'],
  ['use_parallel_residual', 'bool'],
] as const;

function mutateKey(metadata: Map<string, GgufValue>, random: Random): string {
  if (random.chance(0.15)) {
    const [name, type] = random.pick(unusual);
    const key = `llama.${name}`;
    metadata.set(key, oddScalar(type, random));
    return `${key} added as ${spell(metadata.get(key)!)}`;
  }
  const keys = [...metadata.keys()].filter((key) => random.chance(0.9) || /^(llama|clip|tokenizer)\./.test(key));
  const key = random.pick(keys);
  if (random.chance(0.1)) {
    metadata.delete(key);
    return `${key} removed`;
  }
  const value = metadata.get(key)!;
  metadata.set(key, value.type === 'array' ? oddArray(value, random) : oddScalar(value.type, random));
  return `${key} ${spell(metadata.get(key)!)}`;
}

type Scalar = Exclude<GgufValue['type'], 'array'>;

function oddScalar(usual: Scalar, random: Random): GgufValue {
  const others: readonly Scalar[] = ['u8', 'i8', 'u32', 'i32', 'f32', 'u64', 'f64', 'bool', 'string'];
  const type = random.chance(0.85) ? usual : random.pick(others);
  if (type === 'string')
    return textValue(
      random.pick(['', 'llama', 'clip', 'mistral3', 'x'.repeat(5000), 'yarn', 'longrope', 'gpt2', '\ud800']),
    );
  if (type === 'bool') return { type, value: random.chance(0.5) };
  if (type === 'u64' || type === 'i64') return { type, value: BigInt(random.pick(counts)) };
  if (type === 'f32' || type === 'f64') return { type, value: random.pick(reals) };
  const limit = { u8: 2 ** 8, i8: 2 ** 7, u16: 2 ** 16, i16: 2 ** 15, u32: 2 ** 32, i32: 2 ** 31 }[type];
  return { type, value: random.pick(counts) % limit };
}

function oddArray(value: Extract<GgufValue, { type: 'array' }>, random: Random): GgufValue {
  const { elementType, count, bytes } = value;
  if (elementType === 'string' || random.chance(0.3)) {
    return random.pick([
      textValue('not a list'),
      rawArray('i32', 1, new Uint8Array(4)),
      rawArray('string', 0, new Uint8Array(0)),
      { ...value, bytes: mutateSameLength(bytes, random) },
      { ...value, count: count - 1, bytes: withoutLast(value) },
    ]);
  }
  const width = bytes.byteLength / count;
  const fewer = random.below(count + 1);
  return random.pick([
    rawArray(elementType, fewer, bytes.subarray(0, fewer * width)),
    { ...value, bytes: mutateSameLength(bytes, random) },
  ]);
}

/** Changes in text and values, mostly not in lengths: that is the work of changed bytes. */
function mutateSameLength(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (let left = 1 + random.below(6); left > 0 && changed.byteLength > 0; left--) {
    const at = random.below(changed.byteLength);
    if (changed[at] !== 0) changed[at] = random.pick([0x20, 0x61, 0xc4, 0x80, 0xff, 1]);
  }
  return changed;
}

function withoutLast({ elementType, bytes, count }: Extract<GgufValue, { type: 'array' }>): Uint8Array {
  if (count === 0) return bytes;
  if (elementType !== 'string') return bytes.subarray(0, (bytes.byteLength / count) * (count - 1));
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let index = 0; index < count - 1; index++) at += 8 + Number(view.readBigUInt64LE(at));
  return bytes.subarray(0, at);
}

function mutateTensors(tensors: GgufTensor[], random: Random): { tensors: GgufTensor[]; what: string } {
  const index = random.below(tensors.length);
  const tensor = tensors[index]!;
  const changed = (change: Partial<GgufTensor>): GgufTensor[] => tensors.with(index, { ...tensor, ...change });
  switch (random.below(7)) {
    case 0:
      return { tensors: tensors.toSpliced(index, 1), what: `${tensor.name} removed` };
    case 1:
      return { tensors: changed({ name: `${tensor.name}x` }), what: `${tensor.name} called otherwise` };
    case 2:
      return { tensors: [...tensors, { ...tensor, name: random.pick(extras) }], what: 'a tensor more' };
    case 3: {
      const axis = random.below(tensor.dims.length);
      const dims = tensor.dims.with(
        axis,
        random.pick([0, 1, 2, 3, tensor.dims[axis]! + 1, tensor.dims[axis]! * 2, 2 ** 20]),
      );
      return { tensors: changed({ dims }), what: `${tensor.name} ${dims.join('x')}` };
    }
    case 4: {
      const dims = random.pick([
        tensor.dims.toReversed(),
        [...tensor.dims, 1],
        [...tensor.dims, 2],
        tensor.dims.slice(0, 1),
      ]);
      return { tensors: changed({ dims }), what: `${tensor.name} ${dims.join('x')}` };
    }
    default: {
      const type = random.pick([...ggmlTypes.keys()]);
      return { tensors: changed({ type }), what: `${tensor.name} as ${ggmlTypes.get(type)!.name}` };
    }
  }
}

const extras = [
  'rope_freqs.weight',
  'blk.0.attn_q.bias',
  'blk.0.attn_qkv.weight',
  'blk.1.ffn_gate_inp.weight',
  'v.blk.0.attn_q.bias',
  'mm.3.weight',
  'output.bias',
  'blk.0.attn_q.scale',
];

function encode({ bytes }: GgufFile, metadata: ReadonlyMap<string, GgufValue>, tensors: readonly GgufTensor[]): Buffer {
  // What is no whole number of bytes or too much for a test is left to changed bytes.
  const fitting = tensors.filter(({ type, dims }) => {
    const size = sizeOf(type, dims);
    return Number.isInteger(size) && size < 64 * 1024 * 1024;
  });
  const layout = layoutGguf(metadata, fitting);
  const target = Buffer.alloc(layout.byteLength);
  target.set(layout.header);
  for (const [index, { offset, byteLength }] of layout.tensors.entries()) {
    const from = fitting[index]!;
    const source = bytes.subarray(from.offset, from.offset + from.byteLength);
    if (byteLength > 0) target.fill(source, offset, offset + byteLength);
  }
  return target;
}

function sizeOf(type: number, dims: readonly number[]): number {
  const ggmlType = ggmlTypes.get(type);
  return ggmlType
    ? tensorByteLength(
        ggmlType,
        dims.reduce((product, dim) => product * dim, 1),
      )
    : 0;
}

function spell(value: GgufValue): string {
  return value.type === 'array'
    ? `array of ${value.count} ${value.elementType}`
    : `${value.type} ${String(value.value).slice(0, 40)}`;
}
