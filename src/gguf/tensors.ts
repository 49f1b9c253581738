import { PixtralError } from '../base/errors.ts';
import { type Header, need, readString } from './header.ts';
import { type GgufTensor, ggmlTypes, tensorByteLength } from './types.ts';

/** GGML_MAX_NAME less its NUL: llama.cpp refuses longer names. */
const maxNameBytes = 63;
const maxDimensions = 4;

/** One entry of the tensor table; its offset still counts from the start of the data. */
export function readTensorInfo(header: Header): GgufTensor {
  const { reader, path } = header;
  const name = readString(header, 'a tensor name', maxNameBytes);
  const where = `${path}: tensor ${name}`;
  need(header, 4, where);
  const rank = reader.u32();
  if (rank < 1 || rank > maxDimensions) {
    throw new PixtralError('model', `${where}: has ${rank} dimensions, expected 1 to 4`);
  }
  need(header, rank * 8 + 12, where);
  const dims = Array.from({ length: rank }, () => reader.count(`a dimension of ${name}`, Number.MAX_SAFE_INTEGER));
  const type = reader.u32();
  const offset = reader.count(`the offset of ${name}`, Number.MAX_SAFE_INTEGER);
  return { name, type, dims, offset, byteLength: byteLengthOf(where, type, dims) };
}

function byteLengthOf(where: string, type: number, dims: readonly number[]): number {
  const ggmlType = ggmlTypes.get(type);
  if (ggmlType === undefined) throw new PixtralError('model', `${where}: has ggml type ${type}, which is unknown`);
  const elements = dims.reduce((product, dim) => product * dim, 1);
  // A block of weights has at most 8 bytes a weight, so the byte length stays a safe integer too.
  if (elements === 0 || elements > Number.MAX_SAFE_INTEGER / 8) {
    throw new PixtralError('model', `${where}: its shape ${dims.join(' x ')} cannot be right`);
  }
  if ((dims[0] ?? 0) % ggmlType.blockSize !== 0) {
    throw new PixtralError('model', `${where}: rows of ${dims[0]} are not whole blocks of ${ggmlType.name}`);
  }
  return tensorByteLength(ggmlType, elements);
}

export interface DataPlace {
  path: string;
  fileByteLength: number;
  dataOffset: number;
  alignment: number;
}

/** The tensors at absolute offsets, all inside the file, none overlapping. */
export function locateTensors(found: readonly GgufTensor[], place: DataPlace): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const tensor of found) {
    if (tensors.has(tensor.name)) throw new PixtralError('model', `${place.path}: tensor ${tensor.name} stands twice`);
    tensors.set(tensor.name, locate(tensor, place));
  }
  refuseOverlap([...tensors.values()], place.path);
  return tensors;
}

function locate(tensor: GgufTensor, { path, fileByteLength, dataOffset, alignment }: DataPlace): GgufTensor {
  const where = `${path}: tensor ${tensor.name}`;
  if (tensor.offset % alignment !== 0) {
    throw new PixtralError('model', `${where}: starts at ${tensor.offset}, expected a multiple of ${alignment}`);
  }
  const offset = dataOffset + tensor.offset;
  if (offset + tensor.byteLength > fileByteLength) {
    throw new PixtralError(
      'model',
      `${where}: needs bytes ${offset} to ${offset + tensor.byteLength}, but the file ends at ${fileByteLength}`,
      { hint: 'the file is cut short: copy or download it again' },
    );
  }
  return { ...tensor, offset };
}

function refuseOverlap(tensors: GgufTensor[], path: string): void {
  tensors.sort((a, b) => a.offset - b.offset);
  let previous: GgufTensor | undefined;
  for (const tensor of tensors) {
    if (previous !== undefined && previous.offset + previous.byteLength > tensor.offset) {
      throw new PixtralError('model', `${path}: tensors ${previous.name} and ${tensor.name} overlap`);
    }
    previous = tensor;
  }
}
