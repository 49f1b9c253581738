import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** What another decoder made of a page of a file in fixtures/images/; see the scripts that make them. */
export interface CorpusCase {
  name: string;
  page?: number;
  width: number;
  height: number;
  /** How far a channel may be off, and all of them on average. */
  worst: number;
  mean: number;
  /** The expected pixels are averages of 8 x 8 of a picture of this size. */
  averaged?: { width: number; height: number };
  /** [height, width, 3] */
  pixels: Uint8Array;
}

const folder = fileURLToPath(new URL('../../fixtures/images', import.meta.url));
const golden = (name: string): Buffer => readFileSync(new URL(`../../fixtures/golden/${name}`, import.meta.url));

export const imagePath = (name: string): string => `${folder}/${name}`;

export const imageNames = (): string[] => readdirSync(folder);

/** @param set `images`, made by images.py; `web-images`, by web_images.py; `tiff-images`, by tiffs.py; `other-images`, by other_images.py; `program-images`, by program_images.py */
export function corpusCases(
  set: 'images' | 'web-images' | 'tiff-images' | 'other-images' | 'program-images',
): CorpusCase[] {
  const all = gunzipSync(golden(`${set}.bin.gz`));
  const cases = JSON.parse(golden(`${set}.json`).toString()) as (Omit<CorpusCase, 'pixels'> & { offset: number })[];
  return cases.map(({ offset, ...stored }) => ({
    ...stored,
    pixels: all.subarray(offset, offset + stored.width * stored.height * 3),
  }));
}
