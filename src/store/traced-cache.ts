import { type Trace, traced } from '../base/trace.ts';
import type { Cache } from './cache.ts';

/** The same cache; what reading and writing take is told. */
export function tracedCache(cache: Cache, trace: Trace): Cache {
  return {
    ...cache,
    get: (kind, ...rest) => traced({ trace, stage: 'cache_read', detail: { kind } }, () => cache.get(kind, ...rest)),
    put: (kind, ...rest) => traced({ trace, stage: 'cache_write', detail: { kind } }, () => cache.put(kind, ...rest)),
  };
}
