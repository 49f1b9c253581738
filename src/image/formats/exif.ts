import { ascii, viewOf } from './opened.ts';

/** Source: Exif 2.32, 4.6.3 to 4.6.5. */
const tags = { orientation: 0x112, changed: 0x132, exifDirectory: 0x8769, taken: 0x9003, digitised: 0x9004 } as const;

/** The orientation that the first directory of a TIFF structure says, 1 to 8; 1 when there is none that is valid. */
export function exifOrientation(tiff: Uint8Array): number {
  return statedOrientation(tiff)?.value ?? 1;
}

/** Also whether it is stored as the standard has it, which is all that many decoders look for; undefined: none. */
export function statedOrientation(part: Uint8Array): { value: number; isStandard: boolean } | undefined {
  const tiff = ascii(part, 0, 6) === 'Exif\0\0' ? part.subarray(6) : part; // writers of PNG and WebP leave the mark before it
  const exif = openExif(tiff);
  const at = exif?.find(exif.firstDirectory, tags.orientation);
  if (exif === undefined || at === undefined) return undefined;
  const [type, count] = [exif.uint16(at - 6), exif.uint32(at - 4)];
  const value = exif.firstOf({ type, count, at });
  return { value: value >= 1 && value <= 8 ? value : 1, isStandard: type === short && count === 1 };
}

/** A TIFF structure that says nothing but an orientation. */
export function orientationAlone(orientation: number): Buffer {
  const tiff = Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0', 'latin1');
  tiff.writeUInt16BE(orientation, 18);
  return tiff;
}

/** When a TIFF structure says that the picture was taken, else digitised or changed: `2024-05-04 17:31:02`. */
export function exifDate(tiff: Uint8Array): string | undefined {
  const exif = openExif(tiff);
  if (!exif) return undefined;
  const link = exif.find(exif.firstDirectory, tags.exifDirectory);
  const directory = link === undefined ? undefined : exif.uint32(link);
  const dateAt = (place: number | undefined): string | undefined => {
    if (place === undefined) return undefined;
    const [, year, month, day, time] =
      /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(ascii(tiff, exif.uint32(place), 19)) ?? [];
    return year === undefined || year === '0000' ? undefined : `${year}-${month}-${day} ${time}`;
  };
  const taken = directory === undefined ? [] : [exif.find(directory, tags.taken), exif.find(directory, tags.digitised)];
  return [...taken, exif.find(exif.firstDirectory, tags.changed)].map(dateAt).find((date) => date !== undefined);
}

const short = 3;
/** Bytes of a whole number by its type: BYTE, SHORT, LONG, SBYTE, SSHORT, SLONG. Source: TIFF 6.0, section 2. */
const wholeNumbers: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4 };

/** Reads numbers of a TIFF structure; undefined when it is too short to be one. */
function openExif(tiff: Uint8Array) {
  const view = viewOf(tiff);
  if (tiff.byteLength < 14) return undefined;
  const little = view.getUint16(0) === 0x4949;
  return {
    firstDirectory: view.getUint32(4, little),
    uint16: (at: number) => view.getUint16(at, little),
    uint32: (at: number) => view.getUint32(at, little),
    /** The first number of a value; those that do not fit into four bytes stand elsewhere. */
    firstOf({ type, count, at }: { type: number; count: number; at: number }): number {
      const length = wholeNumbers[type];
      if (length === undefined || count < 1) return 0;
      const place = length * count > 4 ? view.getUint32(at, little) : at;
      if (place + length > tiff.byteLength) return 0;
      if (length === 1) return view.getUint8(place);
      return length === 2 ? view.getUint16(place, little) : view.getUint32(place, little);
    },
    /** Where a tag's value is, or the place of what does not fit there. */
    find(directory: number, tag: number): number | undefined {
      if (directory + 2 > tiff.byteLength) return undefined;
      const end = Math.min(directory + 2 + view.getUint16(directory, little) * 12, tiff.byteLength);
      for (let entry = directory + 2; entry + 12 <= end; entry += 12) {
        if (view.getUint16(entry, little) === tag) return entry + 8;
      }
      return undefined;
    },
  };
}
