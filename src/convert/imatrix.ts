import { createHash } from 'node:crypto';
import { ByteReader } from '../base/bytes.ts';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { readRegular } from '../base/regular-file.ts';
import { parseGguf } from '../gguf/parse.ts';
import type { Gguf, GgufTensor } from '../gguf/types.ts';
import { optionalArray, optionalNumber, stringArray } from '../gguf/values.ts';
import type { NamedShape } from './mixture.ts';

/** An importance matrix of llama-imatrix: per tensor, the mean square of each input column's activations. */
export interface Imatrix {
  path: string;
  sha256: string;
  /** The text it was measured on. */
  dataset: string | undefined;
  chunks: number | undefined;
  /** By GGUF name; [ne0]. */
  entries: ReadonlyMap<string, Float32Array>;
}

/** One of a 12B model has 20 MB, one of a large mixture of experts some 100. */
const maxBytes = 1024 * 1024 * 1024;

/**
 * Reads both formats of llama-imatrix: GGUF, and the .dat from before 2025 (tools/quantize/quantize.cpp,
 * load_imatrix and load_legacy_imatrix of llama.cpp v0.5.0).
 * @throws PixtralError `model` when the file is missing, cut short, or holds what is no importance
 */
export async function readImatrix(path: string): Promise<Imatrix> {
  const bytes = await readAll(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const isGguf = bytes.subarray(0, 4).toString('latin1') === 'GGUF';
  return { path, sha256, ...(isGguf ? parseGgufImatrix(bytes, path) : parseLegacyImatrix(bytes, path)) };
}

async function readAll(path: string): Promise<Buffer> {
  try {
    return await readRegular(path, maxBytes);
  } catch (cause) {
    if (cause instanceof PixtralError) throw cause;
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : reasonOf(cause);
    throw new PixtralError('model', `${path}: ${reason}, expected an importance matrix`, { cause });
  }
}

type Parsed = Omit<Imatrix, 'path' | 'sha256'>;

const sums = '.in_sum2';
const counts = '.counts';

export function parseGgufImatrix(bytes: Uint8Array, path: string): Parsed {
  const gguf = parseGguf(bytes, { path, fileByteLength: bytes.byteLength });
  if (gguf === undefined) throw new PixtralError('model', `${path}: ends inside its header`);
  const entries = new Map<string, Float32Array>();
  for (const [name, tensor] of gguf.tensors) {
    if (!name.endsWith(sums)) continue;
    const entry = name.slice(0, -sums.length);
    const count = gguf.tensors.get(entry + counts);
    if (count === undefined) throw new PixtralError('model', `${path}: lacks ${entry}${counts}`);
    entries.set(entry, means({ sums: floatsOf(gguf, tensor, bytes), counts: floatsOf(gguf, count, bytes) }));
  }
  checkEntries(entries, path);
  const datasets = optionalArray(gguf, 'imatrix.datasets');
  return {
    entries,
    dataset: datasets === undefined ? undefined : stringArray(datasets)[0],
    chunks: optionalNumber(gguf, 'imatrix.chunk_count'),
  };
}

function floatsOf(gguf: Gguf, { name, type, offset, byteLength }: GgufTensor, bytes: Uint8Array): Float32Array {
  if (type !== 0) throw new PixtralError('model', `${gguf.path}: tensor ${name}: found type ${type}, expected f32`);
  return floatsIn(bytes.subarray(offset, offset + byteLength));
}

/** A copy: the bytes may stand at any address. */
function floatsIn(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Each count is of one matrix: a mixture of experts has several. None seen counts as 1, as llama.cpp does. */
function means({ sums: totals, counts: seen }: { sums: Float32Array; counts: Float32Array }): Float32Array {
  const perMatrix = totals.length / seen.length;
  return totals.map((sum, index) => {
    const count = Math.round(seen[Math.floor(index / perMatrix)] ?? 0);
    return count > 0 ? sum / count : 1;
  });
}

export function parseLegacyImatrix(bytes: Uint8Array, path: string): Parsed {
  const reader = new ByteReader(bytes, path);
  const entries = new Map<string, Float32Array>();
  const entryCount = natural(reader, 'the number of entries');
  if (entryCount === 0) throw new PixtralError('model', `${path}: no entries, expected an importance matrix`);
  for (let index = 0; index < entryCount; index++) {
    const name = Buffer.from(reader.take(natural(reader, 'the length of a name'))).toString();
    const calls = natural(reader, `the calls of ${name}`);
    const length = natural(reader, `the length of ${name}`);
    const values = floatsIn(reader.take(length * 4));
    entries.set(name, calls > 0 ? values.map((value) => value / calls) : values);
  }
  checkEntries(entries, path);
  if (reader.remaining === 0) return { entries, dataset: undefined, chunks: undefined };
  const chunks = natural(reader, 'the number of chunks');
  const dataset = Buffer.from(reader.take(natural(reader, 'the length of the dataset'))).toString();
  return { entries, dataset, chunks };
}

function natural(reader: ByteReader, what: string): number {
  const at = reader.offset;
  const value = reader.i32();
  if (value >= 0) return value;
  throw new PixtralError('model', `${reader.where}: ${what} is ${value} at byte ${at}, expected an importance matrix`);
}

function checkEntries(entries: ReadonlyMap<string, Float32Array>, path: string): void {
  if (entries.size === 0) throw new PixtralError('model', `${path}: no entries, expected an importance matrix`);
  for (const [name, values] of entries) {
    if (values.every((value) => Number.isFinite(value) && value >= 0)) continue;
    throw new PixtralError('model', `${path}: ${name}: holds what is no importance, expected numbers from 0`);
  }
}

/** A tensor's row of the matrix. The embeddings are read by row, not multiplied: an entry of theirs means nothing. */
export function importanceOf(imatrix: Imatrix | undefined, { name, shape }: NamedShape): Float32Array | undefined {
  const found = imatrix?.entries.get(name);
  const perRow = shape.at(-1) ?? 1;
  if (found === undefined || found.length === perRow) return found;
  if (name === 'token_embd.weight') return undefined;
  throw new PixtralError('model', `${imatrix?.path}: ${name}: has ${found.length} columns, expected ${perRow}`, {
    hint: 'the importance matrix is of another model',
  });
}
