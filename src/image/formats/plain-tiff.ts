import { viewBytes } from '../../base/view-bytes.ts';

/** A picture whose samples need no more than a profile to be understood. */
export interface PlainPicture {
  width: number;
  height: number;
  model: 'grey' | 'rgb' | 'rgba' | 'cmyk';
  /** [height, width, samples]; transparency is not multiplied into colours. */
  values: Uint8Array | Uint16Array;
  profile: Uint8Array;
}

const short = 3;
const long = 4;
const undefinedBytes = 7;
const headerLength = 8;
/** Samples of a pixel, and what they mean by TIFF's numbers. */
const models = {
  grey: { samples: 1, photometric: 1 },
  rgb: { samples: 3, photometric: 2 },
  rgba: { samples: 4, photometric: 2 },
  cmyk: { samples: 4, photometric: 5 },
} as const;

/** A file of one uncompressed picture with its ICC profile. Source: TIFF 6.0, sections 2, 6, 16 and 18. */
export function plainTiff({ width, height, model, values, profile }: PlainPicture): Uint8Array {
  const { samples, photometric } = models[model];
  const bits = values.BYTES_PER_ELEMENT * 8;
  const bitsAt = headerLength + values.byteLength + (values.byteLength % 2);
  const profileAt = bitsAt + 8;
  const directoryAt = profileAt + profile.byteLength + (profile.byteLength % 2);
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, long, 1, width],
    [257, long, 1, height],
    [258, short, samples, samples > 2 ? bitsAt : bits],
    [259, short, 1, 1], // not compressed
    [262, short, 1, photometric],
    [273, long, 1, headerLength], // where the only strip is
    [277, short, 1, samples],
    [278, long, 1, height], // lines per strip
    [279, long, 1, values.byteLength],
    ...(model === 'rgba' ? [[338, short, 1, 2] as [number, number, number, number]] : []),
    [34_675, undefinedBytes, profile.byteLength, profileAt],
  ];
  const file = Buffer.alloc(directoryAt + 2 + entries.length * 12 + 4);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(directoryAt, 4);
  file.set(viewBytes(values), headerLength);
  for (let sample = 0; sample < samples; sample++) file.writeUInt16LE(bits, bitsAt + sample * 2);
  file.set(profile, profileAt);
  file.writeUInt16LE(entries.length, directoryAt);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = directoryAt + 2 + index * 12;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  }
  return file;
}
