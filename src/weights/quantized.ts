import { PixtralError } from '../base/errors.ts';
import { type JsonObject, optionalField } from './json.ts';

/** Fields that tell how weights were quantised, the more telling one last. */
const telling = ['quant_method', 'quant_algo', 'format', 'qformat_weight'];

/**
 * Weights of 8 bits with their scales are read; other programs' packed ones are not.
 * @param quantization the part of a config that tells of it
 * @param allowed what `key` may say
 * @throws PixtralError `model` with the name of the format
 */
export function refuseQuantized(
  quantization: JsonObject,
  { key, allowed }: { key: 'quant_method' | 'qformat_weight'; allowed: string },
): void {
  const names = telling.map((field) => optionalField(quantization, field)).filter((name) => typeof name === 'string');
  if (names.length === 0 || optionalField(quantization, key) === allowed) return;
  const found = names.join(', ').slice(0, 80);
  throw new PixtralError(
    'model',
    `${quantization.where}: the weights are quantised as ${found}, expected F32, F16, BF16 or FP8 (${key} ${allowed})`,
    { hint: 'take the repository that these were made of, and choose how small they become by --type, such as q4_k_m' },
  );
}
