import { brandsOf } from '../boxes.ts';
import { ascii } from '../opened.ts';
import { type Tiff, isTiff, readTiff, tags, text } from '../tiff/directories.ts';
import { allDirectories, isRaw } from './raw-directories.ts';

/** Kinds by how their files begin; those that are TIFFs otherwise are told by what is in them. */
const beginnings: readonly { start: RegExp; kind: string }[] = [
  { start: /^FUJIFILMCCD-RAW/, kind: 'Fujifilm RAF' },
  { start: /^(IIR[OS]|MMOR)/, kind: 'Olympus ORF' },
  { start: /^IIU\0/, kind: 'Panasonic RW2' },
  { start: /^(II|MM).{6}CR/s, kind: 'Canon CR2' },
  { start: /^II.{4}HEAPCCDR/s, kind: 'Canon CRW' },
  { start: /^FOVb/, kind: 'Sigma X3F' },
  { start: /^\0MR[MI]/, kind: 'Minolta MRW' },
];

const makers: readonly { maker: RegExp; kind: string }[] = [
  { maker: /^nikon/i, kind: 'Nikon NEF' },
  { maker: /^sony/i, kind: 'Sony ARW' },
  { maker: /^(pentax|ricoh|asahi)/i, kind: 'Pentax PEF' },
  { maker: /^samsung/i, kind: 'Samsung SRW' },
];

/** A raw file of some camera, by its container. */
export function isCameraRaw(bytes: Uint8Array): boolean {
  return cameraRawKind(bytes) !== undefined;
}

/** What a camera's raw file is called; undefined for all others. */
export function cameraRawKind(bytes: Uint8Array): string | undefined {
  const opening = ascii(bytes, 0, 16);
  const known = beginnings.find(({ start }) => start.test(opening));
  if (known) return known.kind;
  if (brandsOf(bytes).startsWith('crx ')) return 'Canon CR3';
  return isTiff(bytes) ? kindOfTiff(bytes) : undefined;
}

function kindOfTiff(bytes: Uint8Array): string | undefined {
  const tiff = asTiff(bytes, '');
  if (!tiff) return undefined;
  try {
    const [first] = tiff.directories;
    if (first!.tags.has(tags.dngVersion)) return 'DNG';
    if (!allDirectories(tiff).some((directory) => isRaw(tiff, directory))) return undefined;
    const make = text(tiff, first!, tags.make) ?? '';
    return makers.find(({ maker }) => maker.test(make))?.kind ?? (make === '' ? 'TIFF/EP' : make);
  } catch {
    return undefined;
  }
}

/** Undefined for what is none, or damaged: the reader of TIFFs says why. */
export function asTiff(bytes: Uint8Array, name: string): Tiff | undefined {
  if (!/^(II|MM)/.test(ascii(bytes, 0, 2)) || ascii(bytes, 6, 8) === 'HEAPCCDR') return undefined;
  try {
    return readTiff(bytes, name);
  } catch {
    return undefined;
  }
}
