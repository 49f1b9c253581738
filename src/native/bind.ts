import type { KoffiFunc, LibraryHandle, TypeObject } from 'koffi';

/** An address in native memory. */
export type Pointer = bigint;
/** Bytes that C reads or fills during the call: a typed array, or native memory. */
type Memory = NodeJS.ArrayBufferView | Pointer | null;

interface JsTypes {
  void: void;
  bool: boolean;
  i32: number;
  u32: number;
  /** Values beyond 2^53 never occur in what we call. */
  i64: number;
  size: number;
  f32: number;
  /** NUL-terminated UTF-8. */
  str: string;
  /** A handle. As a result it may be null: check before it is used again. */
  ptr: Pointer | null;
  /** A tensor or graph in an arena: as a result never null, the binding throws first. */
  tensor: Pointer;
  memory: Memory;
  /** C structs by value. */
  struct: Record<string, unknown>;
}
type TypeName = keyof JsTypes;

/** One C prototype: symbol, result, parameters. */
export type Prototype = readonly [symbol: string, result: TypeName, parameters: readonly TypeName[]];

type Parameters_<P extends readonly TypeName[]> = { [K in keyof P]: JsTypes[P[K]] };
type Bound<P extends Prototype> = KoffiFunc<(...values: Parameters_<P[2]>) => JsTypes[P[1]]>;
/** A table of prototypes, bound to a library. */
export type Library<T extends Record<string, Prototype>> = { readonly [K in keyof T]: Bound<T[K]> };

const cTypes: Record<Exclude<TypeName, 'struct'>, string> = {
  void: 'void',
  bool: 'bool',
  i32: 'int32_t',
  u32: 'uint32_t',
  i64: 'int64_t',
  size: 'size_t',
  f32: 'float',
  str: 'const char *',
  ptr: 'void *',
  tensor: 'void *',
  memory: 'void *',
};

export interface BindOptions {
  /** Where a symbol may stand, in order of search. */
  libraries: readonly LibraryHandle[];
  /** Struct of a symbol's by-value result or parameter. */
  structs: Record<string, TypeObject>;
  /** Collects symbols that no library has. */
  missing: string[];
}

/** Binds every prototype of `table`; what is not found goes to `missing` and must not be called. */
export function bind<T extends Record<string, Prototype>>(table: T, options: BindOptions): Library<T> {
  const bound = Object.entries(table).map(([name, prototype]) => [name, bindOne(prototype, options)]);
  return Object.fromEntries(bound) as Library<T>;
}

function bindOne([symbol, result, parameters]: Prototype, { libraries, structs, missing }: BindOptions): unknown {
  const toC = (type: TypeName): string | TypeObject => {
    if (type !== 'struct') return cTypes[type];
    const struct = structs[symbol];
    if (!struct) throw new Error(`${symbol}: no struct given`);
    return struct;
  };
  for (const library of libraries) {
    try {
      const fn = library.func(symbol, toC(result), parameters.map(toC));
      return result === 'tensor' ? neverNull(symbol, fn) : fn;
    } catch (thrown) {
      if (!/find function|symbol/i.test(String(thrown))) throw thrown;
    }
  }
  missing.push(symbol);
  return undefined;
}

/** A null operand of the next graph operation would kill the process: throw here instead. */
function neverNull(symbol: string, fn: (...values: unknown[]) => unknown) {
  return (...values: unknown[]): unknown => {
    const tensor = fn(...values);
    if (tensor === null) throw new Error(`${symbol} returned null`);
    return tensor;
  };
}

/**
 * Runs a bound function on a worker thread; the event loop stays free.
 * The arguments stay referenced until it resolves, so typed arrays are safe to pass.
 */
export function callAsync<A extends unknown[], R>(fn: KoffiFunc<(...values: A) => R>, ...values: A): Promise<R> {
  return new Promise((resolve, reject) => {
    fn.async(...values, (error: unknown, result: R) => {
      void values;
      if (error) reject(error instanceof Error ? error : new Error('native call failed'));
      else resolve(result);
    });
  });
}
