import { ByteReader } from '../base/bytes.ts';
import { PixtralError } from '../base/errors.ts';
import { type Header, MoreNeeded, need, readString } from './header.ts';
import { locateTensors, readTensorInfo } from './tensors.ts';
import {
  type Gguf,
  type GgufArray,
  type GgufTensor,
  type GgufValue,
  type GgufValueType,
  alignUp,
  defaultAlignment,
  scalarByteLength,
  valueTypes,
} from './types.ts';

/** What a header may claim. Without these a few hostile bytes could ask for all memory, or for years of looping. */
const limits = {
  /** Known files have 20 to 60 keys. */
  keys: 65_536,
  /** Known files have at most some thousand tensors. */
  tensors: 65_536,
  /** The format's own limit. */
  keyBytes: 65_535,
  stringBytes: 16 * 1024 * 1024,
  alignment: 1024 * 1024,
};

/**
 * The header at the start of `head`, which may be only the beginning of a file of `fileByteLength` bytes.
 * Little-endian, versions 2 and 3 (docs/gguf.md of ggml).
 * @returns undefined when the header goes on past `head`
 * @throws PixtralError `model` when the file is cut short or not a sound GGUF
 */
export function parseGguf(
  head: Uint8Array,
  { path, fileByteLength }: { path: string; fileByteLength: number },
): Gguf | undefined {
  try {
    return parseHeader({ reader: new ByteReader(head, path), path, fileByteLength });
  } catch (thrown) {
    if (thrown instanceof MoreNeeded) return undefined;
    throw thrown;
  }
}

function parseHeader(header: Header): Gguf {
  const { reader, path, fileByteLength } = header;
  need(header, 24, 'the GGUF header');
  const version = readVersion(header);
  const tensorCount = reader.count('the number of tensors', limits.tensors);
  const keyCount = reader.count('the number of metadata keys', limits.keys);
  const metadata = readMetadata(header, keyCount);
  const alignment = alignmentOf(metadata, path);
  const found: GgufTensor[] = [];
  for (let index = 0; index < tensorCount; index++) found.push(readTensorInfo(header));
  const dataOffset = alignUp(reader.offset, alignment);
  const tensors = locateTensors(found, { path, fileByteLength, dataOffset, alignment });
  return { path, byteLength: fileByteLength, version, metadata, tensors, alignment, dataOffset };
}

const magic = 0x46554747; // "GGUF"

function readVersion({ reader, path }: Header): number {
  const found = reader.u32();
  if (found !== magic) throw new PixtralError('model', `${path}: does not begin with GGUF, expected a GGUF file`);
  const version = reader.u32();
  if (version === 2 || version === 3) return version;
  const what = version === 0x03000000 || version === 0x02000000 ? 'is big-endian' : `has GGUF version ${version}`;
  throw new PixtralError('model', `${path}: ${what}, expected little-endian version 2 or 3`);
}

function readMetadata(header: Header, keyCount: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (let index = 0; index < keyCount; index++) {
    const key = readString(header, `metadata key ${index}`, limits.keyBytes);
    if (metadata.has(key)) throw new PixtralError('model', `${header.path}: ${key} stands twice in the metadata`);
    metadata.set(key, readValue(header, key));
  }
  return metadata;
}

function readValue(header: Header, key: string): GgufValue {
  const type = readValueType(header, key);
  if (type === 'string') return { type, value: readString(header, key, limits.stringBytes) };
  if (type === 'array') return readArray(header, key);
  need(header, scalarByteLength[type], key);
  const { reader } = header;
  if (type === 'u64' || type === 'i64') return { type, value: type === 'u64' ? reader.u64() : reader.i64() };
  if (type === 'bool') return { type, value: reader.u8() !== 0 };
  return { type, value: reader[type]() };
}

function readValueType(header: Header, key: string): GgufValueType {
  need(header, 4, key);
  const code = header.reader.u32();
  const type = valueTypes[code];
  if (type === undefined) {
    throw new PixtralError('model', `${header.path}: ${key} has value type ${code}, expected 0 to 12`);
  }
  return type;
}

function readArray(header: Header, key: string): GgufArray {
  const { reader, path, fileByteLength } = header;
  const elementType = readValueType(header, key);
  if (elementType === 'array') throw new PixtralError('model', `${path}: ${key} is an array of arrays`);
  need(header, 8, key);
  const width = elementType === 'string' ? 8 : scalarByteLength[elementType];
  const count = reader.count(`the length of ${key}`, Math.floor(fileByteLength / width));
  need(header, count * width, key);
  const start = reader.offset;
  if (elementType === 'string') skipStrings(header, key, count);
  else reader.take(count * width);
  return { type: 'array', elementType, count, bytes: reader.bytes.subarray(start, reader.offset) };
}

/** Steps over `count` strings. A vocabulary has 400,000: no string, no bigint is made for each. */
function skipStrings(header: Header, key: string, count: number): void {
  const { reader } = header;
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset, reader.bytes.byteLength);
  const end = reader.bytes.byteLength;
  let at = reader.offset;
  for (let index = 0; index < count; index++) {
    const next = at + 8 + (at + 8 <= end ? view.getUint32(at, true) : 0);
    if (next > end || view.getUint32(at + 4, true) !== 0) {
      reader.offset = at;
      readString(header, key, limits.stringBytes); // says what is wrong, or that more must be read
    }
    at = next;
  }
  reader.offset = at;
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, path: string): number {
  const value = metadata.get('general.alignment');
  if (value === undefined) return defaultAlignment;
  const alignment = value.type === 'u32' ? value.value : 0;
  const isPowerOfTwo = alignment > 0 && (alignment & (alignment - 1)) === 0;
  if (isPowerOfTwo && alignment <= limits.alignment) return alignment;
  throw new PixtralError('model', `${path}: general.alignment is not a power of two up to ${limits.alignment}`);
}
