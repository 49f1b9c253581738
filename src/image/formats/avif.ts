import { type Image, createCanvas } from '@napi-rs/canvas';
import { PixtralError } from '../../base/errors.ts';
import { isSrgb } from '../colour/to-srgb.ts';
import { decodeWithLibaom, openAvifFilm } from './avif-film.ts';
import { brandsOf } from './boxes.ts';
import { turnedAperture } from './clean-aperture.ts';
import { damaged } from './damaged.ts';
import { readFilmTracks } from './film-track.ts';
import { type HeifItem, type HeifItems, readHeifItems } from './heif-items.ts';
import { heifPixels } from './heif-pixels.ts';
import { type OpenRequest, type Opened, viewOf } from './opened.ts';
import { checkSize } from '../decoder/limits.ts';
import { cropped } from '../pixels/crop.ts';
import type { Pixels } from '../pixels/patches.ts';
import { decodeWithSkia, upright } from './skia.ts';

export function isAvif(bytes: Uint8Array): boolean {
  return /avi[fs]/.test(brandsOf(bytes));
}

/** The decoder itself turns pictures by `irot` and `imir` and converts by ICC profiles; it does not crop by `clap`. */
export async function openAvif({ bytes, name }: Pick<OpenRequest, 'bytes' | 'name'>): Promise<Opened> {
  const tracks = /avis/.test(brandsOf(bytes)) ? readFilmTracks(bytes) : [];
  if (tracks[0] && tracks[0].samples.length > 1) return openAvifFilm(bytes, tracks.slice(0, 2), name);
  const container = readHeifItems(bytes);
  if (container.damage !== undefined) throw damaged(name, 'AVIF', container.damage);
  for (const { size } of container.items.values()) if (size) checkSize(size, name);
  const { pictures } = container;
  if (pictures.length === 0) throw damaged(name, 'AVIF', 'has no picture in it');
  return {
    pageCount: pictures.length,
    async page(index) {
      const picture = pictures[index]!;
      if (pictures.length === 1 && isDeep(picture)) {
        return decodeWithLibaom(bytes, name).catch((thrown: unknown) => {
          throw thrown instanceof PixtralError ? thrown : damaged(name, 'AVIF', thrown);
        });
      }
      const image = await decodeWithSkia(alone(bytes, container, picture)).catch((thrown: unknown) => {
        throw damaged(name, 'AVIF', thrown);
      });
      checkSize(image, name);
      const pixels = inSrgb(image, picture);
      const { size, crop, turns } = picture;
      return size && crop ? { ...pixels, ...cropped(pixels, turnedAperture(size, crop, turns), name) } : pixels;
    },
  };
}

/**
 * What is far from sRGB suffers from 8 bits on the way; but where colours are stored for several pixels together, the
 * other decoder spreads them better.
 */
function isDeep({ colours, hasProfile, hasFullColour }: HeifItem): boolean {
  return hasFullColour && !hasProfile && colours !== undefined && !isSrgb(colours);
}

/** The file with `picture` as its main one, and with its colours left to us. */
function alone(bytes: Uint8Array, { primary, nclxPlaces }: HeifItems, { id, colours }: HeifItem): Uint8Array {
  const file = Uint8Array.from(bytes);
  const view = viewOf(file);
  if (primary?.byteLength === 2) view.setUint16(primary.at, id);
  if (primary?.byteLength === 4) view.setUint32(primary.at, id);
  if (colours && !isSrgb(colours)) {
    for (const at of nclxPlaces) {
      view.setUint16(at + 4, 1);
      view.setUint16(at + 6, 13);
    }
  }
  return file;
}

function inSrgb(image: Image, { colours, hasProfile }: HeifItem): Pixels {
  if (hasProfile || !colours || isSrgb(colours)) return upright(image, 1);
  const { width, height } = image;
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const values = new Uint8Array(context.getImageData(0, 0, width, height).data.buffer);
  return heifPixels({ width, height, samples: { values, maximum: 255 }, colours, isPremultiplied: false });
}
