import { PixtralError } from '../base/errors.ts';
import { type Gguf, type GgufTensor, ggmlTypeName } from './types.ts';

/** What a tensor is used as, which decides the types it may have. */
export type TensorUse = keyof typeof typesOf;

/** What a model's file says of one tensor, or must say. */
export interface TensorRule {
  name: string;
  /** ne0 first. */
  dims: readonly number[];
  use: TensorUse;
  /** Absent from most models. */
  optional?: true;
}

/**
 * Types by use. ggml ends the process for any other: no kernel of the CPU multiplies by integers, f64, q8_1 or q8_k
 * (type_traits_cpu of ggml-cpu.c without a vec_dot), and none adds or multiplies rows by less than f32.
 */
const typesOf = {
  /** Left side of a product, or rows to look up, of the decoder: llama.cpp places it where it can be computed. */
  matrix: new Set(
    `f32 f16 bf16 q4_0 q4_1 q5_0 q5_1 q8_0 q2_k q3_k q4_k q5_k q6_k iq1_s iq1_m iq2_xxs iq2_xs iq2_s iq3_xxs iq3_s
     iq4_nl iq4_xs tq1_0 tq2_0 mxfp4 nvfp4 q1_0 q2_0`.split(/\s+/),
  ),
  /** A kernel of four dimensions that is reshaped before it is multiplied: blocks would not stay whole. */
  kernel: new Set(['f32', 'f16', 'bf16']),
  /** Weights of a norm, a bias, a scale, frequencies. */
  vector: new Set(['f32']),
};

/**
 * Compares a file's tensors with all that it may hold, before outside software sees it.
 * @throws PixtralError `model` for one that is missing, of another shape or type, or that no such model has
 */
export function checkTensors(gguf: Gguf, rules: readonly TensorRule[]): void {
  let known = 0;
  for (const rule of rules) {
    const found = gguf.tensors.get(rule.name);
    if (found) {
      known++;
      checkTensor(found, { rule, path: gguf.path });
    } else if (!rule.optional) {
      throw new PixtralError('model', `${gguf.path}: tensor ${rule.name} is missing`, {
        hint: 'convert the checkpoint again with pixtral convert',
      });
    }
  }
  if (known < gguf.tensors.size) refuseExtras(gguf, rules);
}

function checkTensor(found: GgufTensor, { rule, path }: { rule: TensorRule; path: string }): void {
  const where = `${path}: tensor ${rule.name}`;
  if (!isShape(found.dims, rule.dims)) {
    throw new PixtralError('model', `${where} is ${found.dims.join('x')}, expected ${rule.dims.join('x')}`);
  }
  const type = ggmlTypeName(found.type);
  if (typesOf[rule.use].has(type)) return;
  throw new PixtralError('model', `${where} is ${type}, expected ${[...typesOf[rule.use]].join(', ')}`, {
    hint: 'nothing computes with that type: convert the checkpoint again with pixtral convert',
  });
}

/** Axes of one at the end do not count. */
function isShape(found: readonly number[], expected: readonly number[]): boolean {
  return found.length >= expected.length && found.every((side, axis) => side === (expected[axis] ?? 1));
}

function refuseExtras({ path, tensors }: Gguf, rules: readonly TensorRule[]): void {
  const known = new Set(rules.map(({ name }) => name));
  const extras = [...tensors.keys()].filter((name) => !known.has(name));
  const shown = extras.slice(0, 3).join(', ') + (extras.length > 3 ? ', ...' : '');
  throw new PixtralError('model', `${path}: ${extras.length} tensors that no Pixtral has: ${shown}`, {
    hint: 'give a model of the Pixtral family',
  });
}
