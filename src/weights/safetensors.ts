import { ByteReader } from '../base/bytes.ts';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { type OpenRanged, type RangedFile, openOnDisk } from '../base/ranged-file.ts';
import { type JsonObject, asObject, parseJson } from './json.ts';
import { type JsonLimits, scanJson } from './scan-json.ts';

/** The reference implementation's limit (safetensors/src/tensor.rs); Pixtral's header is 70 kB. */
const maxHeaderBytes = 100_000_000;

/** The header's object, a tensor's object, its shape; known checkpoints have at most some thousand tensors a file. */
const headerLimits: JsonLimits = {
  depth: 3,
  brackets: 4 * 65_536,
  refusal: 'its header is nested too deep or has over 65536 tensors',
  topKey: 'tensor',
};

export interface SafeTensor {
  name: string;
  path: string;
  /** As the file spells it: `BF16`, `F8_E4M3`, ... */
  dtype: string;
  shape: number[];
  /** Absolute position in the file. */
  offset: number;
  byteLength: number;
}

/** Bytes of one element. Types with less than a byte an element are not listed: nothing of ours can use them. */
const dtypeBytes: ReadonlyMap<string, number> = new Map([
  ['BOOL', 1],
  ['U8', 1],
  ['I8', 1],
  ['F8_E5M2', 1],
  ['F8_E4M3', 1],
  ['F8_E8M0', 1],
  ['I16', 2],
  ['U16', 2],
  ['F16', 2],
  ['BF16', 2],
  ['I32', 4],
  ['U32', 4],
  ['F32', 4],
  ['F64', 8],
  ['I64', 8],
  ['U64', 8],
  ['C64', 8],
]);

/**
 * Reads the header of a safetensors file. Tensor bytes are not read.
 * Every tensor's bytes fit its shape, lie inside the file, and together they fill it without gap or overlap.
 * @throws PixtralError `model` when the file is missing, cut short or not sound
 */
export async function readSafetensors(path: string, open: OpenRanged = openOnDisk): Promise<Map<string, SafeTensor>> {
  const file = await open(path).catch((cause: unknown) => {
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : reasonOf(cause);
    throw new PixtralError('model', `${path}: ${reason}, expected a safetensors file`, { cause });
  });
  try {
    return parseSafetensors(await readHeader(file, path), { path, fileByteLength: file.byteLength });
  } finally {
    await file.close();
  }
}

async function readHeader(file: RangedFile, path: string): Promise<Uint8Array> {
  const prefix = new ByteReader(await file.read({ position: 0, length: 8 }), path);
  const length = prefix.count('the length of the header', maxHeaderBytes);
  if (8 + length > file.byteLength) {
    throw new PixtralError('model', `${path}: ends at byte ${file.byteLength}, inside its header of ${length} bytes`, {
      hint: 'the file is cut short: copy or download it again',
    });
  }
  return file.read({ position: 8, length });
}

/** @param header the JSON text between the length and the data */
export function parseSafetensors(
  header: Uint8Array,
  { path, fileByteLength }: { path: string; fileByteLength: number },
): Map<string, SafeTensor> {
  scanJson(header, path, headerLimits); // before JSON.parse allocates
  const { fields } = parseJson(header, path);
  const dataOffset = 8 + header.byteLength;
  const tensors = Object.entries(fields)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => readEntry(name, asObject(entry, `${path}: tensor ${name}`), { path, dataOffset }));
  refuseGaps(tensors, { path, dataOffset, fileByteLength });
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

function readEntry(
  name: string,
  entry: JsonObject,
  { path, dataOffset }: { path: string; dataOffset: number },
): SafeTensor {
  const { dtype } = entry.fields;
  const elementBytes = typeof dtype === 'string' ? dtypeBytes.get(dtype) : undefined;
  if (typeof dtype !== 'string' || elementBytes === undefined) {
    throw new PixtralError('model', `${entry.where}: its dtype is unknown, expected BF16, F16 or F32`);
  }
  const shape = naturals(entry, 'shape', 8);
  const [begin, end, ...more] = naturals(entry, 'data_offsets', 2);
  if (begin === undefined || end === undefined || more.length > 0 || begin > end) {
    throw new PixtralError('model', `${entry.where}: data_offsets are not a begin and an end`);
  }
  const byteLength = shape.reduce((product, dim) => product * dim, elementBytes);
  if (byteLength !== end - begin) {
    throw new PixtralError(
      'model',
      `${entry.where}: has ${end - begin} bytes, expected ${byteLength} for ${dtype} [${shape.join(', ')}]`,
    );
  }
  return { name, path, dtype, shape, offset: dataOffset + begin, byteLength };
}

function naturals({ where, fields }: JsonObject, key: string, maxCount: number): number[] {
  const found: unknown = fields[key];
  const list: unknown[] = Array.isArray(found) && found.length <= maxCount ? found : [undefined];
  return list.map((value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new PixtralError('model', `${where}: its ${key} is not a list of at most ${maxCount} whole numbers`);
  });
}

function refuseGaps(
  tensors: readonly SafeTensor[],
  { path, dataOffset, fileByteLength }: { path: string; dataOffset: number; fileByteLength: number },
): void {
  let end = dataOffset;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)) {
    const where = `${path}: tensor ${tensor.name}`;
    if (tensor.offset !== end) {
      const what = tensor.offset < end ? 'overlaps the one before it' : 'leaves a gap before it';
      throw new PixtralError('model', `${where}: starts at byte ${tensor.offset} and ${what}, expected ${end}`);
    }
    end += tensor.byteLength;
    if (end > fileByteLength) {
      throw new PixtralError('model', `${where}: needs bytes up to ${end}, but the file ends at ${fileByteLength}`, {
        hint: 'the file is cut short: copy or download it again',
      });
    }
  }
  if (end !== fileByteLength) {
    throw new PixtralError('model', `${path}: ${fileByteLength - end} bytes after the last tensor, expected none`);
  }
}
