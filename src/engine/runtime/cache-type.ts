import { PixtralError } from '../../base/errors.ts';
import { type CacheType, cacheTypes, isCacheType } from '../../decoder/cache-types.ts';

/** @throws PixtralError `usage` for a type that llama.cpp does not have */
export function cacheTypeOf(name: string): CacheType {
  if (isCacheType(name)) return name;
  throw new PixtralError('usage', `--cache-type ${name}: expected one of ${Object.keys(cacheTypes).join(', ')}`);
}
