import { createHash } from 'node:crypto';
import type { Picture } from '../../image/decoder/load.ts';

/** Equal for pictures that the model sees alike, whatever their names. */
export type PictureKey = (picture: Picture) => string;

/** Reads each picture's patches once, whoever has them. */
export function pictureKeys(): PictureKey {
  const known = new WeakMap<Float32Array, string>();
  return (picture) => {
    const key = known.get(picture.patches) ?? keyOf(picture);
    known.set(picture.patches, key);
    return key;
  };
}

function keyOf({ grid, patches }: Picture): string {
  return createHash('sha256').update(JSON.stringify(grid)).update(patches).digest('hex');
}
