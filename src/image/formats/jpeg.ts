import { type Encoded, ascii, cutShort, viewOf } from './opened.ts';

interface EncodedJpeg extends Encoded {
  /** 1: grey, 3: colour, 4: inks. */
  channels: number;
  /** Has an ICC profile. */
  profile: boolean;
}

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * Walks all segments and scans up to the end marker: a thumbnail in the EXIF part has an end marker of its own, and
 * cameras append films and further pictures after the right one.
 * Source: ITU T.81, annex B. Noise inside a scan cannot be told without decoding; the reference does not tell it either.
 */
export function readJpeg(bytes: Uint8Array): EncodedJpeg {
  const view = viewOf(bytes);
  const encoded: EncodedJpeg = {
    format: 'JPEG',
    size: undefined,
    damage: cutShort,
    opaque: true,
    orientation: 1,
    bytes,
    channels: 0,
    profile: false,
  };
  for (let at = 2; at + 2 <= bytes.byteLength;) {
    if (bytes[at] !== 0xff) return { ...encoded, damage: `has no marker at byte ${at}, where one must be` };
    const marker = bytes[at + 1]!;
    if (marker === 0xd9) {
      encoded.damage = encoded.size ? undefined : 'has no picture in it';
      break;
    }
    if (marker === 0xff) {
      at += 1; // padding
      continue;
    }
    if (isAlone(marker)) {
      at += 2;
      continue;
    }
    if (at + 4 > bytes.byteLength) break;
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.byteLength) break;
    if (isFrame(marker) && end - at >= 10) {
      encoded.size = { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
      encoded.channels = bytes[at + 9]!;
    }
    if (marker === 0xe2 && ascii(bytes, at + 4, 11) === 'ICC_PROFILE') encoded.profile = true;
    at = marker === 0xda ? endOfScan(bytes, end) : end;
  }
  return encoded;
}

/** TEM and the restart markers have no length. */
function isAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which stand between them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Where the next marker stands: in a scan, FF 00 is a byte and FF D0 to FF D7 are restarts. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== undefined && next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return bytes.byteLength;
}
