import { randomUUID } from 'node:crypto';
import type { Picture } from '../image/decoder/load.ts';

/** Data URIs of pictures in a request that is JSON. */
export interface PictureUris {
  /** What stands for a picture's URI until the request is whole. */
  placeFor(picture: Picture): string;
  /** The request with all URIs in their places, which are there in the order in which they were asked for. */
  fill(json: string): Uint8Array;
}

const beginning = 'data:image/png;base64,';

/**
 * Written as bytes into a request that is laid out already: of strings of megabytes, each letter would be looked at for
 * whether it must be escaped, and be copied twice more.
 */
export function pictureUris(): PictureUris {
  const place = randomUUID(); // what nobody's text can hold
  const pictures: Uint8Array[] = [];
  return {
    placeFor({ png, source }) {
      if (!png) throw new Error(`${source}: was not prepared to be sent`);
      pictures.push(png);
      return beginning + place;
    },
    fill(json) {
      if (pictures.length === 0) return Buffer.from(json);
      return filled(json.split(place), pictures);
    },
  };
}

function filled(pieces: readonly string[], pictures: readonly Uint8Array[]): Uint8Array {
  const texts = pieces.map((piece) => Buffer.from(piece));
  const length =
    texts.reduce((sum, text) => sum + text.byteLength, 0) +
    pictures.reduce((sum, picture) => sum + Math.ceil(picture.byteLength / 3) * 4, 0);
  const body = Buffer.allocUnsafe(length);
  let at = 0;
  for (const [index, text] of texts.entries()) {
    at += text.copy(body, at);
    const picture = pictures[index];
    if (picture) at += body.write(base64Of(picture), at, 'latin1');
  }
  return body;
}

function base64Of({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
